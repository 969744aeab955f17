# One placed server. The log is Kafka's, or in /data; see compose.yaml and docs/deploy.md.
FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
RUN pip install --no-cache-dir --prefix /install --constraint constraints.txt '.[kafka]'

FROM python:3.13-slim
COPY --from=build /install /usr/local
RUN useradd --system --uid 10001 placed && install -d -o placed -g placed /data /keys
USER placed
VOLUME /data
ENV PLACED_HOST=0.0.0.0 PLACED_PORT=8080 PLACED_DATA=/data
EXPOSE 8080
ENTRYPOINT ["placed"]
