// SPDX-License-Identifier: MIT
/*
 * MADV_FREE on a KSM page throws away the content of another page that is merged into it later.
 *
 * Three pages of one process with the same content.  KSM merges x and y; the write to x leaves y alone with the KSM
 * page, and MADV_FREE of y marks that page as one that may be discarded.  Then z, which nobody gave up, is merged into
 * it; the write to y leaves z alone; reclaim takes the page for freed memory, and z reads as zeros.
 *
 * Needs root (KSM's settings, page frame numbers).
 *   -c    control: the same without MADV_FREE
 *   -r N  rounds (20)
 */
#include "common.h"

#define KSM "/sys/kernel/mm/ksm/"

/* Until two pages share a frame. */
static void merge(char *one, char *other)
{
	for (int i = 0; i < 2000; i++) {
		if ((pagemap(one) & PM_PFN) == (pagemap(other) & PM_PFN))
			return;
		usleep(5000);
	}
	fprintf(stderr, "KSM does not merge the pages\n");
	exit(2);
}

static void ksm_on(void)
{
	put(KSM "pages_to_scan", "1000");
	put(KSM "sleep_millisecs", "5");
	if (!access(KSM "smart_scan", W_OK))
		put(KSM "smart_scan", "0");
	put(KSM "run", "1");
}

/* Whether z has lost its content. */
static int lost(int round, int control)
{
	char *x = pages(PAGE), *y = pages(PAGE), *z = pages(PAGE);
	int wrong = 0;

	memset(x, 'a', PAGE);
	memcpy(x + 8, &round, sizeof(round));	/* like no page of another round */
	memcpy(y, x, PAGE);
	memcpy(z, x, PAGE);

	advise(x, PAGE, MADV_MERGEABLE, "MADV_MERGEABLE");
	advise(y, PAGE, MADV_MERGEABLE, "MADV_MERGEABLE");
	merge(x, y);
	x[0] = 'b';
	if (!control)
		advise(y, PAGE, MADV_FREE, "MADV_FREE");
	advise(z, PAGE, MADV_MERGEABLE, "MADV_MERGEABLE");
	merge(y, z);
	y[0] = 'c';
	advise(z, PAGE, MADV_PAGEOUT, "MADV_PAGEOUT");

	for (size_t i = 16; i < PAGE; i++)
		wrong += z[i] != 'a';
	printf("round %d%s: %d bytes of z are lost, z[16] is 0x%02x\n", round, control ? ", control" : "", wrong, z[16]);
	munmap(x, PAGE);
	munmap(y, PAGE);
	munmap(z, PAGE);
	return !!wrong;
}

int main(int argc, char **argv)
{
	int option, control = 0, rounds = 20, count = 0;

	while ((option = getopt(argc, argv, "cr:")) != -1)
		switch (option) {
		case 'c': control = 1; break;
		case 'r': rounds = atoi(optarg); break;
		default: return 2;
		}
	ksm_on();
	for (int round = 1; round <= rounds; round++)
		count += lost(round, control);
	put(KSM "run", "2");
	return verdict(count, rounds);
}
