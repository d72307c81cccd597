/* An SMTP server that takes every message and keeps none: the other end of `make bench-email`.
 *
 * One thread, epoll. It parses what RFC 5321, 2920 (PIPELINING) and 3030 (BDAT) need, counts messages and bytes, and
 * can hold every reply back by a fixed time, as a network with that round trip would: commands that arrive together
 * are answered together, and commands that wait for a reply pay for each. Bandwidth and loss are not imitated.
 *
 * It prints "port N" when it listens, and one line of JSON when it ends (SIGTERM, SIGINT, or --count messages taken and
 * everybody gone).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PEERS = 4096, LINE = 4096, CHUNK = 1 << 18, EVENTS = 256 };
enum state { COMMAND, DATA, BDAT };

/* Text that waits to be written, `due` at a time if it is held back. */
struct text {
    struct text *next;
    double due;
    int fd;
    unsigned life;
    size_t size;
    char bytes[];
};

/* One connection, found by its descriptor. `life` tells it from the one that had the descriptor before. */
struct peer {
    bool open, mail, rcpt, quit, watched;
    unsigned life;
    unsigned owed;            /* texts kept for it */
    enum state state;
    int matched;              /* how much of CRLF.CRLF the data so far ends with */
    bool last, refused;       /* of the BDAT chunk that is being read */
    unsigned long long left;  /* its bytes still to come */
    size_t length;            /* of the command line so far; more than LINE: too long, dropped */
    char line[LINE];
    struct text *unsent;
};

static struct peer peers[PEERS];
static struct text *held, **held_end = &held;
static char input[CHUNK], replies[32 * CHUNK]; /* no byte asked brings more than 32 */
static size_t replied;
static int poller, listener, present;
static double delay;
static bool chunking, pipelining = true;
static unsigned long long messages, octets, connections, wanted;
static volatile sig_atomic_t stopped;

static void stop(int signal) { (void)signal; stopped = 1; }

static void die(const char *what) { perror(what); exit(2); }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void watch(int fd, int how, unsigned what) {
    struct epoll_event event = {.events = what, .data.fd = fd};
    if (epoll_ctl(poller, how, fd, &event)) die("epoll_ctl");
}

static void hang_up(int fd) {
    struct peer *peer = &peers[fd];
    for (struct text *text = peer->unsent, *next; text; text = next) {
        next = text->next;
        free(text);
    }
    peer->unsent = NULL;
    peer->open = false;
    present--;
    close(fd);
}

static struct text *keep(int fd, const char *bytes, size_t size) {
    struct text *text = malloc(sizeof *text + size);
    if (!text) die("malloc");
    peers[fd].owed++;
    *text = (struct text){.fd = fd, .life = peers[fd].life, .size = size};
    memcpy(text->bytes, bytes, size);
    return text;
}

/* Write now, or keep what the socket does not take until it does. */
static void put(int fd, const char *bytes, size_t size) {
    struct peer *peer = &peers[fd];
    ssize_t done = peer->unsent ? 0 : write(fd, bytes, size);
    if (done < 0 && errno != EAGAIN) { hang_up(fd); return; }
    if (done < 0) done = 0;
    if ((size_t)done < size) {
        struct text **end = &peer->unsent;
        while (*end) end = &(*end)->next;
        *end = keep(fd, bytes + done, size - done);
        if (!peer->watched) watch(fd, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
        peer->watched = true;
    } else if (peer->quit && !peer->owed) {
        hang_up(fd);
    }
}

/* Write what was kept, if it is still the same peer that waits for it. */
static void pay(struct text *text) {
    struct peer *peer = &peers[text->fd];
    if (peer->open && peer->life == text->life) {
        peer->owed--;
        put(text->fd, text->bytes, text->size);
    }
    free(text);
}

static void put_unsent(int fd) {
    struct peer *peer = &peers[fd];
    struct text *text = peer->unsent;
    peer->unsent = NULL;
    peer->watched = false;
    watch(fd, EPOLL_CTL_MOD, EPOLLIN);
    for (struct text *next; text; text = next) {
        next = text->next;
        pay(text);
    }
}

/* What was answered to one arrival of bytes goes out together. The delay is the same for all, so the queue is sorted. */
static void send_replies(int fd) {
    if (!replied) return;
    if (delay > 0) {
        struct text *text = keep(fd, replies, replied);
        text->due = now() + delay;
        *held_end = text;
        held_end = &text->next;
    } else {
        put(fd, replies, replied);
    }
    replied = 0;
}

static void send_due(void) {
    double present_time = held ? now() : 0;
    while (held && held->due <= present_time) {
        struct text *text = held;
        held = text->next;
        if (!held) held_end = &held;
        pay(text);
    }
}

static void reply(const char *text) {
    size_t size = strlen(text);
    if (replied + size > sizeof replies) die("more replies than one read can ask for");
    memcpy(replies + replied, text, size);
    replied += size;
}

static void forget(struct peer *peer) { peer->mail = peer->rcpt = false; }

static void on_hello(struct peer *peer, const char *line) {
    forget(peer);
    if (strncasecmp(line, "EHLO", 4)) { reply("250 sink\r\n"); return; }
    reply("250-sink\r\n");
    if (pipelining) reply("250-PIPELINING\r\n");
    if (chunking) reply("250-CHUNKING\r\n");
    reply("250-8BITMIME\r\n250 SMTPUTF8\r\n");
}

static void on_mail(struct peer *peer, const char *line) {
    (void)line;
    if (peer->mail) { reply("503 5.5.1 one sender at a time\r\n"); return; }
    peer->mail = true;
    reply("250 2.1.0 ok\r\n");
}

static void on_rcpt(struct peer *peer, const char *line) {
    (void)line;
    if (!peer->mail) { reply("503 5.5.1 MAIL first\r\n"); return; }
    peer->rcpt = true;
    reply("250 2.1.5 ok\r\n");
}

static void on_data(struct peer *peer, const char *line) {
    (void)line;
    if (!peer->rcpt) { reply("503 5.5.1 RCPT first\r\n"); return; }
    peer->state = DATA;
    peer->matched = 2; /* the line end of DATA: a lone dot may follow at once */
    reply("354 go on\r\n");
}

static void took_chunk(struct peer *peer) {
    peer->state = COMMAND;
    if (peer->refused) { reply("503 5.5.1 RCPT first\r\n"); return; }
    if (peer->last) { messages++; forget(peer); }
    reply("250 2.0.0 taken\r\n");
}

/* The bytes of a chunk come in any case and must be read over, also when it is refused (RFC 3030, 2). */
static void on_bdat(struct peer *peer, const char *line) {
    char *end;
    unsigned long long size = strtoull(line + 4, &end, 10);
    if (end == line + 4) { reply("501 5.5.4 how many?\r\n"); return; }
    while (*end == ' ') end++;
    peer->last = !strcasecmp(end, "LAST");
    peer->refused = !peer->rcpt;
    peer->left = size;
    peer->state = BDAT;
    if (!size) took_chunk(peer);
}

static void on_reset(struct peer *peer, const char *line) { (void)line; forget(peer); reply("250 2.0.0 ok\r\n"); }

static void on_noop(struct peer *peer, const char *line) { (void)peer; (void)line; reply("250 2.0.0 ok\r\n"); }

static void on_quit(struct peer *peer, const char *line) { (void)line; peer->quit = true; reply("221 2.0.0 bye\r\n"); }

static const struct { const char *word; void (*act)(struct peer *, const char *); } verbs[] = {
    {"MAIL", on_mail}, {"RCPT", on_rcpt}, {"BDAT", on_bdat}, {"DATA", on_data}, {"RSET", on_reset},
    {"NOOP", on_noop}, {"QUIT", on_quit}, {"EHLO", on_hello}, {"HELO", on_hello},
};

static void obey(struct peer *peer) {
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (!strncasecmp(peer->line, verbs[i].word, 4)) { verbs[i].act(peer, peer->line); return; }
    reply("500 5.5.2 not understood\r\n");
}

/* Each of these takes what it can of the bytes and says how many that was. */
static size_t take_command(struct peer *peer, const char *bytes, size_t size) {
    const char *end = memchr(bytes, '\n', size);
    size_t part = end ? (size_t)(end - bytes) + 1 : size;
    if (peer->length + part < LINE) memcpy(peer->line + peer->length, bytes, part);
    peer->length += part;
    if (!end) return part;
    if (peer->length >= LINE) {
        reply("500 5.5.2 line too long\r\n");
    } else {
        size_t length = peer->length;
        while (length && (peer->line[length - 1] == '\n' || peer->line[length - 1] == '\r')) length--;
        peer->line[length] = '\0';
        obey(peer);
    }
    peer->length = 0;
    return part;
}

static size_t take_data(struct peer *peer, const char *bytes, size_t size) {
    static const char end[] = "\r\n.\r\n";
    size_t at = 0;
    while (at < size) {
        if (!peer->matched) {
            const char *next = memchr(bytes + at, '\r', size - at);
            if (!next) { at = size; break; }
            at = next - bytes;
        }
        char byte = bytes[at++];
        if (byte == end[peer->matched]) peer->matched++;
        else peer->matched = byte == '\r';
        if (peer->matched == 5) {
            octets += at;
            octets -= 3; /* the dot and its line end are no part of the message */
            messages++;
            forget(peer);
            peer->state = COMMAND;
            reply("250 2.0.0 taken\r\n");
            return at;
        }
    }
    octets += at;
    return at;
}

static size_t take_chunk(struct peer *peer, const char *bytes, size_t size) {
    (void)bytes;
    size_t part = size < peer->left ? size : (size_t)peer->left;
    peer->left -= part;
    if (!peer->refused) octets += part;
    if (!peer->left) took_chunk(peer);
    return part;
}

static size_t (*const takers[])(struct peer *, const char *, size_t) = {
    [COMMAND] = take_command, [DATA] = take_data, [BDAT] = take_chunk,
};

static void hear(int fd) {
    struct peer *peer = &peers[fd];
    ssize_t size = read(fd, input, sizeof input);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) { hang_up(fd); return; }
    for (ssize_t at = 0; at < size && !peer->quit;)
        at += takers[peer->state](peer, input + at, size - at);
    send_replies(fd);
}

static void greet(void) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (fd >= PEERS) { close(fd); return; }
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    peers[fd] = (struct peer){.open = true, .life = peers[fd].life + 1};
    connections++;
    present++;
    watch(fd, EPOLL_CTL_ADD, EPOLLIN);
    reply("220 sink ESMTP\r\n");
    send_replies(fd);
}

static void listen_at(int port) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    int yes = 1;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&here, size) || listen(listener, 1024)) die("listen");
    if (getsockname(listener, (struct sockaddr *)&here, &size)) die("getsockname");
    printf("port %d\n", ntohs(here.sin_port));
    fflush(stdout);
}

static void serve(void) {
    sigset_t waiting, before;
    sigemptyset(&waiting);
    sigaddset(&waiting, SIGTERM);
    sigaddset(&waiting, SIGINT);
    sigprocmask(SIG_BLOCK, &waiting, &before); /* let in only while waiting, so that none is missed */
    watch(listener, EPOLL_CTL_ADD, EPOLLIN);
    struct epoll_event events[EVENTS];
    while (!stopped && !(wanted && messages >= wanted && !present)) {
        double wait = held ? held->due - now() : -1;
        int timeout = !held ? -1 : wait <= 0 ? 0 : (int)wait + 1;
        int ready = epoll_pwait(poller, events, EVENTS, timeout, &before);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) { greet(); continue; }
            if (peers[fd].open && events[i].events & EPOLLOUT) put_unsent(fd);
            if (peers[fd].open && events[i].events & ~EPOLLOUT) hear(fd);
        }
        send_due();
    }
}

static void report(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("{\"messages\": %llu, \"bytes\": %llu, \"connections\": %llu, \"cpu\": %.6f}\n", messages, octets, connections, cpu);
}

int main(int argc, char **argv) {
    static const struct option known[] = {
        {"port", required_argument, 0, 'p'}, {"delay-ms", required_argument, 0, 'd'},
        {"count", required_argument, 0, 'n'}, {"chunking", no_argument, 0, 'c'},
        {"pipelining", no_argument, 0, 'l'}, {"no-pipelining", no_argument, 0, 'x'}, {0},
    };
    int port = 0;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 'p': port = atoi(optarg); break;
        case 'd': delay = atof(optarg); break;
        case 'n': wanted = strtoull(optarg, NULL, 10); break;
        case 'c': chunking = true; break;
        case 'l': pipelining = true; break;
        case 'x': pipelining = false; break;
        default: return 2;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    poller = epoll_create1(EPOLL_CLOEXEC);
    listen_at(port);
    serve();
    report();
    return 0;
}
