/* The floor: the kernel's own cost of a frame to each of many sockets, with as little as possible around it.
 *
 * One thread, one epoll. A GET makes a connection a subscriber. A POST sends one frame to all subscribers, with one
 * send() each; its answer is the frame's number. The program parses, keeps and resends nothing: a full socket loses the
 * frame. It prints its address, and ends with SIGTERM.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_SUBSCRIBERS = 65536, EVENTS = 256, READ_BYTES = 4096, MAX_FD = 131072 };

static int subscribers[MAX_SUBSCRIBERS];
static int count;
static int is_subscriber[MAX_FD];

static const char STREAM[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void drop(int fd) {
    if (is_subscriber[fd]) {
        for (int i = 0; i < count; i++) {
            if (subscribers[i] == fd) {
                subscribers[i] = subscribers[--count];
                break;
            }
        }
        is_subscriber[fd] = 0;
    }
    close(fd);
}

static void broadcast(int fd) {
    static unsigned long number;
    char frame[64], answer[128], body[32];
    int length = snprintf(frame, sizeof frame, "id: %lu\ndata: AAAA\n\n", ++number);
    for (int i = 0; i < count; i++)
        send(subscribers[i], frame, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
    int body_length = snprintf(body, sizeof body, "{\"v\":%lu}", number);
    length = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", body_length, body);
    send(fd, answer, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void hear(int fd) {
    char data[READ_BYTES];
    ssize_t got = recv(fd, data, sizeof data, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        drop(fd);
    } else if (data[0] == 'P') {
        broadcast(fd);
    } else if (data[0] == 'G' && !is_subscriber[fd] && count < MAX_SUBSCRIBERS) {
        is_subscriber[fd] = 1;
        subscribers[count++] = fd;
        send(fd, STREAM, sizeof STREAM - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0), poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = listener}}, events[EVENTS];
    if (listener < 0 || poll < 0 || bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1024))
        die("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    printf("http://127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int ready = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd != listener) {
                hear(events[i].data.fd);
                continue;
            }
            int fd = accept(listener, NULL, NULL);
            if (fd < 0 || fd >= MAX_FD) {
                if (fd >= 0)
                    close(fd);
                continue;
            }
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            struct epoll_event own = {.events = EPOLLIN, .data = {.fd = fd}};
            epoll_ctl(poll, EPOLL_CTL_ADD, fd, &own);
        }
    }
}
