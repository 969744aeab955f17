# One placed server. The log is Kafka's, or in /data; see compose.yaml and docs/operations.md. It needs no root, and
# nothing to write to but /data:
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges -v placed:/data -p 8080:8080 placed
# It has Kafka's client. With films, Parquet files and sign-in with providers as well:
#   docker build --build-arg EXTRAS=kafka,oidc,video,parquet -t placed .
FROM python:3.13-slim AS build
ARG EXTRAS=kafka
WORKDIR /source
COPY . .
RUN pip install --no-cache-dir --prefix /install --constraint constraints.txt ".[$EXTRAS]"

FROM python:3.13-slim
COPY --from=build /install /usr/local
RUN useradd --system --uid 10001 placed && install -d -m 700 -o placed -g placed /data && install -d /keys
USER placed
VOLUME /data
ENV PLACED_HOST=0.0.0.0 PLACED_PORT=8080 PLACED_DATA=/data PYTHONDONTWRITEBYTECODE=1
EXPOSE 8080
HEALTHCHECK CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['PLACED_PORT'] + '/healthz', timeout=5)"]
ENTRYPOINT ["placed"]
