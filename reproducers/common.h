/* SPDX-License-Identifier: MIT */
/*
 * What all reproducers share.  Each runs rounds; a round prints one line, and the last line says "N of M rounds
 * lost data".  Exit status: 0 nothing lost, 1 something lost, 2 it could not be tried.
 */
#ifndef COMMON_H
#define COMMON_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

#define PAGE 4096UL
#define HUGE_PAGE (2UL << 20)

#define PM_SWAPPED (1ULL << 62)
#define PM_PRESENT (1ULL << 63)
#define PM_PFN ((1ULL << 55) - 1)

static inline void die(const char *what)
{
	perror(what);
	exit(2);
}

/* Write a setting under /sys or /proc. */
static inline void put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(file);
	close(fd);
}

/* Read a number from a file under /sys or /proc. */
static inline long get(const char *file)
{
	char text[32] = "";
	int fd = open(file, O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		die(file);
	close(fd);
	return atol(text);
}

/* Private anonymous memory of small pages. */
static inline char *pages(size_t size)
{
	char *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED)
		die("mmap");
	madvise(area, size, MADV_NOHUGEPAGE);
	return area;
}

static inline void advise(void *area, size_t size, int advice, const char *name)
{
	if (madvise(area, size, advice))
		die(name);
}

/* What /proc/self/pagemap says of one page. */
static inline uint64_t pagemap(const void *page)
{
	uint64_t entry;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (fd < 0 || pread(fd, &entry, 8, (uintptr_t)page / PAGE * 8) != 8)
		die("/proc/self/pagemap");
	close(fd);
	return entry;
}

/* The verdict, and the exit status that goes with it. */
static inline int verdict(int lost, int rounds)
{
	printf("%d of %d rounds lost data\n", lost, rounds);
	return !!lost;
}

#endif
