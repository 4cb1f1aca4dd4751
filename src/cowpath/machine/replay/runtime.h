/* SPDX-License-Identifier: MIT */
/* What every replayed test is compiled with: its places in memory, its marks, and what statements need. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif
#define PAGE 4096UL
#define MAPPING (MAP_PRIVATE | MAP_ANONYMOUS)
#define AT(page) ((volatile char *)(0x10000000UL + (page) * 16 * PAGE))
#define MOST_VALUES 256
#define MOST_REFERENCES 16

/* Between two statements: a mark that the director waits for or, where nobody drives, a pause of any length. */
#define MARK(thread, next) mark((thread) << 8 | (next))

/* For all processes of the test. */
static volatile struct shared {
	int done[32], count; /* the threads that are through */
	int value[MOST_VALUES]; /* registers, then memory; -1: never assigned */
	char buffer[PAGE];
} *shared;

static const char *swap_device;
static int is_free; /* nobody drives */
static int pipes[MOST_REFERENCES][2], spare[2];
static char *other_page;
static __thread unsigned chance;

static void mark(unsigned long where)
{
	if (!is_free) {
		syscall(SYS_sched_get_priority_max, 0x5eed0000UL | where);
		return;
	}
	if (!chance)
		chance = getpid() * 31 + where + 1;
	for (volatile unsigned left = rand_r(&chance) % 4 ? rand_r(&chance) % 20000 : 0; left; left--)
		;
}

static void pin(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		perror("sched_setaffinity");
}

/* A child that begins on processor 0: on its parent's it would not run while the parent waits for its turn. */
static int fork_elsewhere(int own)
{
	cpu_set_t set;
	int child;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	CPU_SET(own, &set);
	sched_setaffinity(0, sizeof(set), &set);
	child = fork();
	pin(child ? own : 0);
	return child;
}

/* A page that begins with `start` and goes on so that nothing is like it; half of it if it is to be compressed. */
static void fill(volatile char *page, unsigned start, unsigned length)
{
	unsigned seed = start + 7;

	for (unsigned i = 0; i < PAGE; i++)
		page[i] = i < length ? 1 + rand_r(&seed) % 255 : 0;
}

static void clear(volatile char *page)
{
	for (unsigned i = 0; i < PAGE; i++)
		page[i] = 0;
}

/* Touch the stack before anybody looks at faults. */
static __attribute__((noinline)) void warm_up(void)
{
	volatile char space[32768];

	for (unsigned i = 0; i < sizeof(space); i += 512)
		space[i] = 1;
}

/* Swap out so many pages of our own, which stay there. */
static void take_slots(int count, unsigned length)
{
	static char *area;

	if (area)
		return;
	area = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAPPING, -1, 0);
	madvise(area, count * PAGE, MADV_NOHUGEPAGE);
	for (int i = 0; i < count; i++)
		fill(area + i * PAGE, i, length);
	for (int i = 0; i < 20; i++)
		madvise(area, count * PAGE, MADV_PAGEOUT);
}

/* This processor's LRU-add batch, by MADV_COLD of another page. */
static void drain(void)
{
	madvise(other_page, PAGE, MADV_COLD);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		perror(path);
	close(fd);
}

/* All shrinkers of the kernel, among them zswap's, which writes entries to the device behind. */
static void shrink(void)
{
	for (int i = 0; i < 3; i++)
		write_file("/proc/sys/vm/drop_caches", "2");
}

/* A memory cgroup of our own whose entries zswap's shrinker may write back. */
static void enter_cgroup(void)
{
	mount("cgroup", "/sys/fs/cgroup", "cgroup2", 0, NULL);
	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	mkdir("/sys/fs/cgroup/test", 0755);
	write_file("/sys/fs/cgroup/test/cgroup.procs", "0");
	write_file("/sys/module/zswap/parameters/shrinker_enabled", "Y");
}

static void map_page(int page)
{
	mmap((void *)AT(page), PAGE, PROT_READ | PROT_WRITE, MAPPING | MAP_FIXED, -1, 0);
	madvise((void *)AT(page), PAGE, MADV_NOHUGEPAGE);
}

/* Once, before any round. */
static void begin(int argc, char **argv)
{
	swap_device = argc > 1 ? argv[1] : "";
	is_free = argc > 2 && atoi(argv[2]) > 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	other_page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAPPING | MAP_POPULATE, -1, 0);
	warm_up();
}

static void begin_round(void)
{
	memset((void *)shared, 0, sizeof(*shared));
	for (int i = 0; i < MOST_VALUES; i++)
		shared->value[i] = -1;
}

static void thread_is_done(int thread)
{
	shared->done[thread] = 1;
	__sync_fetch_and_add(&shared->count, 1);
}

static void await(volatile int *what, int least)
{
	while (*what < least)
		usleep(200);
}

/* -- references ------------------------------------------------------------------------------------------ */

/* A read-only FOLL_GET: the page is in a pipe. */
static void get_page(int reference, int page)
{
	struct iovec vector = { (void *)AT(page), PAGE };

	vmsplice(pipes[reference][1], &vector, 1, SPLICE_F_NONBLOCK);
}

static void read_page(int reference, int place, volatile int *value)
{
	if (tee(pipes[reference][0], spare[1], PAGE, SPLICE_F_NONBLOCK) == (long)PAGE &&
	    read(spare[0], (char *)shared->buffer, PAGE) == (long)PAGE)
		*value = (unsigned char)shared->buffer[place];
}

static void put_page(int reference)
{
	if (read(pipes[reference][0], (char *)shared->buffer, PAGE) < 0)
		perror("put_page");
}

/* A writable FOLL_PIN: an io_uring with one fixed buffer, for the process that pins. */
static struct ring {
	int fd;
	struct io_uring_params parameters;
	char *submissions, *completions;
	struct io_uring_sqe *entries;
} rings[MOST_REFERENCES];

static void open_ring(int reference)
{
	struct ring *ring = &rings[reference];
	int access = PROT_READ | PROT_WRITE;

	memset(&ring->parameters, 0, sizeof(ring->parameters));
	ring->fd = syscall(SYS_io_uring_setup, 1, &ring->parameters);
	ring->submissions = mmap(NULL, PAGE, access, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
	ring->completions = mmap(NULL, PAGE, access, MAP_SHARED, ring->fd, IORING_OFF_CQ_RING);
	ring->entries = mmap(NULL, PAGE, access, MAP_SHARED, ring->fd, IORING_OFF_SQES);
}

static void pin_page(int reference, int page)
{
	struct iovec vector = { (void *)AT(page), PAGE };

	syscall(SYS_io_uring_register, rings[reference].fd, IORING_REGISTER_BUFFERS, &vector, 1);
}

static void unpin_page(int reference)
{
	syscall(SYS_io_uring_register, rings[reference].fd, IORING_UNREGISTER_BUFFERS, NULL, 0);
}

static void device_io(int reference, int operation, int fd, volatile char *address)
{
	struct ring *ring = &rings[reference];
	unsigned tail = *(unsigned *)(ring->submissions + ring->parameters.sq_off.tail);
	unsigned index = tail & *(unsigned *)(ring->submissions + ring->parameters.sq_off.ring_mask);

	memset(ring->entries, 0, sizeof(*ring->entries));
	ring->entries->opcode = operation;
	ring->entries->fd = fd;
	ring->entries->off = -1;
	ring->entries->addr = (unsigned long)address;
	ring->entries->len = 1;
	*((unsigned *)(ring->submissions + ring->parameters.sq_off.array) + index) = 0;
	__atomic_store_n((unsigned *)(ring->submissions + ring->parameters.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	__atomic_fetch_add((unsigned *)(ring->completions + ring->parameters.cq_off.head), 1, __ATOMIC_RELEASE);
}

static void write_pinned(int reference, volatile char *address, char value)
{
	if (write(spare[1], &value, 1) == 1)
		device_io(reference, IORING_OP_READ_FIXED, spare[0], address);
}

static void read_pinned(int reference, volatile char *address, volatile int *value)
{
	unsigned char found;

	device_io(reference, IORING_OP_WRITE_FIXED, spare[1], address);
	if (read(spare[0], &found, 1) == 1)
		*value = found;
}

/* Before the threads of a round, `pins` with a bit for each reference that is a pin. */
static void open_references(int count, unsigned pins)
{
	static int are_open;

	if (are_open++)
		return;
	if (pipe(spare) || fcntl(spare[0], F_SETFL, O_NONBLOCK))
		perror("pipe");
	for (int i = 0; i < count; i++) {
		if (pins >> i & 1)
			open_ring(i);
		else if (pipe(pipes[i]) || fcntl(pipes[i][0], F_SETFL, O_NONBLOCK))
			perror("pipe");
	}
}

/* -- moves ----------------------------------------------------------------------------------------------- */

#ifndef UFFDIO_MOVE
struct uffdio_move {
	__u64 dst, src, len, mode;
	__s64 move;
};
#define UFFDIO_MOVE _IOWR(UFFDIO, 0x05, struct uffdio_move)
#endif
#define FEATURE_MOVE (1 << 16)

static int userfault = -1;

/* Where pages move to: registered before the threads of a round, who would wait for each other inside mmap_lock. */
static void take_moves_to(int page)
{
	struct uffdio_api api = { .api = UFFD_API, .features = FEATURE_MOVE };
	struct uffdio_register range = { { (unsigned long)AT(page), PAGE }, UFFDIO_REGISTER_MODE_MISSING, 0 };

	if (userfault < 0) {
		userfault = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
		if (ioctl(userfault, UFFDIO_API, &api))
			perror("UFFDIO_API: this kernel has no UFFDIO_MOVE");
	}
	if (ioctl(userfault, UFFDIO_REGISTER, &range))
		perror("UFFDIO_REGISTER");
}

static void move_page(int to, int from)
{
	struct uffdio_move request = { (unsigned long)AT(to), (unsigned long)AT(from), PAGE, 0, 0 };
	struct uffdio_zeropage zero = { { (unsigned long)AT(to), PAGE }, 0, 0 };

	if (ioctl(userfault, UFFDIO_MOVE, &request))
		ioctl(userfault, UFFDIO_ZEROPAGE, &zero); /* refused: whoever waits there is let go */
}
