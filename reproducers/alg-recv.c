// SPDX-License-Identifier: MIT
/*
 * What recv() of an AF_ALG socket wrote is lost by reclaim.
 *
 * The kernel pins the caller's pages, decrypts into them, and af_alg_free_sg() unpins them.  Nobody marks them dirty:
 * the same kind as uring-buffer.c.
 *
 * Needs algif_skcipher and, for -m swapin, a swap device that is no zram.  No privileges.
 *   -m swapin    the memory was swapped out, and is read once before the call (the default; since v6.11)
 *   -m free      the memory was given to MADV_FREE before the call
 *   -c           control: the CPU writes one byte of each page before the call
 *   -r N         rounds (10)
 */
#include "common.h"

#include <linux/if_alg.h>
#include <sys/socket.h>

#ifndef SOL_ALG
#define SOL_ALG 279
#endif

#define COUNT 512
#define SIZE (COUNT * PAGE)
#define CHUNK (8 * PAGE)

static int cipher(void)
{
	struct sockaddr_alg address = { .salg_family = AF_ALG, .salg_type = "skcipher", .salg_name = "ecb(aes)" };
	int name = socket(AF_ALG, SOCK_SEQPACKET, 0), operation;

	if (name < 0 || bind(name, (struct sockaddr *)&address, sizeof(address)))
		die("AF_ALG");
	if (setsockopt(name, SOL_ALG, ALG_SET_KEY, "0123456789abcdef", 16))
		die("ALG_SET_KEY");
	operation = accept(name, NULL, 0);
	if (operation < 0)
		die("accept");
	return operation;
}

/* Encrypt or decrypt one chunk. */
static void convert(int operation, uint32_t direction, char *from, char *to)
{
	char control[CMSG_SPACE(sizeof(direction))] = { 0 };
	struct iovec data = { from, CHUNK };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_ALG;
	header->cmsg_type = ALG_SET_OP;
	header->cmsg_len = CMSG_LEN(sizeof(direction));
	memcpy(CMSG_DATA(header), &direction, sizeof(direction));
	if (sendmsg(operation, &message, 0) != CHUNK)
		die("sendmsg");
	if (recv(operation, to, CHUNK, 0) != CHUNK)
		die("recv");
}

/* How many pages have lost what was decrypted into them. */
static int lost(int operation, char *secret, int advice, int control)
{
	char *area = pages(SIZE);
	int count = 0;

	memset(area, 'a', SIZE);
	advise(area, SIZE, advice, "madvise");
	for (size_t at = 0; at < SIZE; at += PAGE) {
		(void)((volatile char *)area)[at];
		if (control)
			area[at] = 't';
	}
	for (size_t at = 0; at < SIZE; at += CHUNK)
		convert(operation, ALG_OP_DECRYPT, secret, area + at);

	usleep(20000);
	advise(area, SIZE, MADV_PAGEOUT, "MADV_PAGEOUT");
	for (size_t at = 0; at < SIZE; at += PAGE)
		count += area[at + PAGE / 2] != 'D';
	munmap(area, SIZE);
	return count;
}

int main(int argc, char **argv)
{
	int option, rounds = 10, count = 0, control = 0, advice = MADV_PAGEOUT, operation;
	char *plain = pages(CHUNK), *secret = pages(CHUNK);

	while ((option = getopt(argc, argv, "m:cr:")) != -1)
		switch (option) {
		case 'm': advice = strcmp(optarg, "free") ? MADV_PAGEOUT : MADV_FREE; break;
		case 'c': control = 1; break;
		case 'r': rounds = atoi(optarg); break;
		default: return 2;
		}
	operation = cipher();
	memset(plain, 'D', CHUNK);
	memset(secret, 1, CHUNK);
	convert(operation, ALG_OP_ENCRYPT, plain, secret);
	for (int round = 1; round <= rounds; round++) {
		int wrong = lost(operation, secret, advice, control);

		printf("round %d%s: %d of %d pages lost\n", round, control ? ", control" : "", wrong, COUNT);
		count += !!wrong;
	}
	return verdict(count, rounds);
}
