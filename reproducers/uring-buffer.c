// SPDX-License-Identifier: MIT
/*
 * What was read into a registered buffer of io_uring is lost by reclaim.
 *
 * IORING_REGISTER_BUFFERS pins the buffer, IORING_OP_READ_FIXED writes to it through bvecs, and unregistering unpins
 * it.  Nobody marks its folios dirty.  Where the page table had them as writable and clean, they are clean afterwards,
 * and reclaim drops them: what comes back is what was in swap, or zeros.
 *
 * Needs a swap device that is no zram.  No privileges.
 *   -m swapin    the buffer was swapped out, and is read once before it is registered (the default; since v6.11)
 *   -m mprotect  the same, and mprotect() made it read-only and writable again (since v6.2)
 *   -m free      the buffer was given to MADV_FREE before it is registered
 *   -m late      the buffer is given to MADV_FREE while it is registered
 *   -m memfd     the buffer is a hole of a shared memfd, read once before it is registered
 *   -c op        control: IORING_OP_READ to the same address, nothing is registered
 *   -c touch     control: the CPU writes one byte of each page before it is registered
 *   -r N         rounds (10)
 */
#include "common.h"

#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define COUNT 512
#define SIZE (COUNT * PAGE)

struct ring {
	int fd;
	char *rings;
	struct io_uring_sqe *sqe;
	struct io_uring_params params;
};

static volatile unsigned *word(struct ring *ring, unsigned offset)
{
	return (volatile unsigned *)(ring->rings + offset);
}

static void set_up(struct ring *ring)
{
	ring->fd = syscall(SYS_io_uring_setup, 1, &ring->params);
	if (ring->fd < 0)
		die("io_uring_setup");
	ring->rings = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
	ring->sqe = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQES);
	if (ring->rings == MAP_FAILED || ring->sqe == MAP_FAILED)
		die("mmap of the ring");
}

/* One read of the file, waited for; how many bytes came. */
static int read_once(struct ring *ring, int opcode, int file, char *to, size_t offset, size_t length)
{
	unsigned tail = *word(ring, ring->params.sq_off.tail), head = *word(ring, ring->params.cq_off.head);
	unsigned mask = *word(ring, ring->params.cq_off.ring_mask);
	struct io_uring_cqe *done = (struct io_uring_cqe *)(ring->rings + ring->params.cq_off.cqes);

	memset(ring->sqe, 0, sizeof(*ring->sqe));
	ring->sqe->opcode = opcode;
	ring->sqe->fd = file;
	ring->sqe->off = offset;
	ring->sqe->addr = (uintptr_t)to;
	ring->sqe->len = length;
	*word(ring, ring->params.sq_off.array) = 0;
	__atomic_store_n(word(ring, ring->params.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		die("io_uring_enter");
	__atomic_store_n(word(ring, ring->params.cq_off.head), head + 1, __ATOMIC_RELEASE);
	return done[head & mask].res;
}

static void read_all(struct ring *ring, int opcode, int file, char *area)
{
	for (size_t at = 0; at < SIZE; ) {
		int got = read_once(ring, opcode, file, area + at, at, SIZE - at);

		if (got <= 0) {
			fprintf(stderr, "read: %s\n", strerror(-got));
			exit(2);
		}
		at += got;
	}
}

static void registration(struct ring *ring, int opcode, struct iovec *buffer)
{
	if (syscall(SYS_io_uring_register, ring->fd, opcode, buffer, buffer ? 1 : 0))
		die("io_uring_register");
}

/* The buffer as -m says: in the page table, writable and clean. */
static char *clean_buffer(const char *mode)
{
	int shared = !strcmp(mode, "memfd");
	int file = shared ? memfd_create("buffer", 0) : -1;
	char *area;

	if (!shared) {
		area = pages(SIZE);
		memset(area, 'a', SIZE);
	} else {
		area = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
		if (ftruncate(file, SIZE) || area == MAP_FAILED)
			die("memfd");
		close(file);
	}
	if (!strcmp(mode, "swapin") || !strcmp(mode, "mprotect"))
		advise(area, SIZE, MADV_PAGEOUT, "MADV_PAGEOUT");
	else if (!strcmp(mode, "free"))
		advise(area, SIZE, MADV_FREE, "MADV_FREE");
	for (size_t at = 0; at < SIZE; at += PAGE)
		(void)((volatile char *)area)[at];
	if (!strcmp(mode, "mprotect") &&
	    (mprotect(area, SIZE, PROT_READ) || mprotect(area, SIZE, PROT_READ | PROT_WRITE)))
		die("mprotect");
	return area;
}

/* How many pages have lost what was read into them. */
static int lost(struct ring *ring, int file, const char *mode, const char *control)
{
	char *area = clean_buffer(mode);
	struct iovec buffer = { area, SIZE };
	int fixed = strcmp(control, "op"), count = 0;

	if (!strcmp(control, "touch"))
		for (size_t at = 0; at < SIZE; at += PAGE)
			area[at] = 't';
	if (fixed)
		registration(ring, IORING_REGISTER_BUFFERS, &buffer);
	if (!strcmp(mode, "late"))
		advise(area, SIZE, MADV_FREE, "MADV_FREE");
	read_all(ring, fixed ? IORING_OP_READ_FIXED : IORING_OP_READ, file, area);
	if (fixed)
		registration(ring, IORING_UNREGISTER_BUFFERS, NULL);

	usleep(20000);				/* it is unpinned by then */
	advise(area, SIZE, MADV_PAGEOUT, "MADV_PAGEOUT");
	for (size_t at = 0; at < SIZE; at += PAGE)
		count += area[at + PAGE / 2] != 'D';
	munmap(area, SIZE);
	return count;
}

int main(int argc, char **argv)
{
	const char *mode = "swapin", *control = "";
	int option, rounds = 10, count = 0, file = memfd_create("data", 0);
	struct ring ring = { 0 };
	char *data = pages(SIZE);

	while ((option = getopt(argc, argv, "m:c:r:")) != -1)
		switch (option) {
		case 'm': mode = optarg; break;
		case 'c': control = optarg; break;
		case 'r': rounds = atoi(optarg); break;
		default: return 2;
		}
	memset(data, 'D', SIZE);
	if (file < 0 || write(file, data, SIZE) != SIZE)
		die("data");
	set_up(&ring);
	for (int round = 1; round <= rounds; round++) {
		int wrong = lost(&ring, file, mode, control);

		printf("round %d, %s%s%s: %d of %d pages lost\n", round, mode, *control ? ", control " : "", control, wrong,
		       COUNT);
		count += !!wrong;
	}
	return verdict(count, rounds);
}
