// SPDX-License-Identifier: MIT
/*
 * A page that was swapped out as zeros comes back with what it held before (since v6.12).
 *
 * zswap stores a page while a fault waits for it: the page stays in the swap cache, is mapped again, and its compressed
 * copy stays behind.  Filled with zeros and swapped out again, it is not written: a bit of its slot says "zeros", and
 * nobody tells zswap.  When zswap writes its copy back, the old content enters the swap cache, where faults look first.
 *
 * Needs root, zswap, debugfs, two processors, and a swap device that is no zram.
 *   -4      small pages (one lost now and then) instead of a huge one (all 512 lost; since v6.13)
 *   -f N    control: fill with the byte N instead of 0
 *   -q      control: nobody touches the pages while they are stored
 *   -n      control: zswap does not write back
 *   -r N    rounds (5)
 */
#include "common.h"

#include <pthread.h>

#define SIZE HUGE_PAGE
#define ZSWAP "/sys/module/zswap/parameters/"

struct options {
	int small, fill, quiet, keep;
};

static char *area;
static const struct options *chosen;
static volatile int over;

static long stored(void)
{
	return get("/sys/kernel/debug/zswap/stored_pages");
}

/*
 * Read the pages while they are being stored: a huge page as soon as zswap has the first of its pages, a small one, with
 * luck, right after it has left the page table.
 */
static void *touch(void *unused)
{
	long before = stored();

	(void)unused;
	for (size_t at = 0; at < SIZE && !over; ) {
		if (chosen->small ? !(pagemap(area + at) & PM_SWAPPED) : stored() == before)
			continue;
		(void)((volatile char *)area)[at];
		at += chosen->small ? PAGE : SIZE;
	}
	return NULL;
}

static void store_while_touched(void)
{
	pthread_t thread;

	over = 0;
	if (!chosen->quiet && pthread_create(&thread, NULL, touch, NULL))
		die("pthread_create");
	usleep(10000);
	advise(area, SIZE, MADV_PAGEOUT, "MADV_PAGEOUT");
	over = 1;
	if (!chosen->quiet)
		pthread_join(thread, NULL);
	for (size_t at = 0; at < SIZE; at += PAGE)
		(void)((volatile char *)area)[at];
}

/* A pool that is full writes its oldest entries to disk: declare it full, and store something now and then. */
static void write_back(char *other)
{
	char percent[16];

	snprintf(percent, sizeof(percent), "%ld", get(ZSWAP "max_pool_percent"));
	put(ZSWAP "max_pool_percent", "0");
	for (int i = 0; i < 600 && stored(); i++) {
		char *page = other + i % (SIZE / PAGE) * PAGE;

		page[0]++;
		advise(page, PAGE, MADV_PAGEOUT, "MADV_PAGEOUT");
		usleep(5000);
	}
	put(ZSWAP "max_pool_percent", percent);
}

/* Half of each page is random, so that zswap takes it and it is not all one byte. */
static void fill_with_content(unsigned seed)
{
	for (size_t at = 0; at < SIZE; at++)
		area[at] = at & 2048 ? 'a' : 1 + rand_r(&seed) % 255;
}

static int wrong_pages(void)
{
	int count = 0;

	for (size_t at = 0; at < SIZE; at += PAGE)
		for (size_t i = at; i < at + PAGE; i++)
			if (area[i] != (char)chosen->fill) {
				count++;
				break;
			}
	return count;
}

static int lost(int round)
{
	char *map = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *other = pages(SIZE);
	long left;
	int count;

	if (map == MAP_FAILED)
		die("mmap");
	area = (char *)(((uintptr_t)map + SIZE - 1) & -SIZE);
	madvise(area, SIZE, chosen->small ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	memset(other, 'o', SIZE);
	fill_with_content(round);

	store_while_touched();
	memset(area, chosen->fill, SIZE);
	advise(area, SIZE, MADV_PAGEOUT, "MADV_PAGEOUT");
	left = stored();
	if (!chosen->keep)
		write_back(other);
	count = wrong_pages();
	printf("round %d: %ld pages left in zswap, %d of %lu have lost what they were filled with\n", round, left, count,
	       SIZE / PAGE);
	munmap(map, 2 * SIZE);
	munmap(other, SIZE);
	return !!count;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	int option, rounds = 5, count = 0;

	while ((option = getopt(argc, argv, "4f:qnr:")) != -1)
		switch (option) {
		case '4': options.small = 1; break;
		case 'f': options.fill = atoi(optarg); break;
		case 'q': options.quiet = 1; break;
		case 'n': options.keep = 1; break;
		case 'r': rounds = atoi(optarg); break;
		default: return 2;
		}
	chosen = &options;
	put(ZSWAP "enabled", "Y");
	for (int round = 1; round <= rounds; round++)
		count += lost(round);
	return verdict(count, rounds);
}
