// SPDX-License-Identifier: MIT
/*
 * Thousands of registrations, then one over all of them and the gaps between;
 * ended in a random order, nothing is left.
 */
#include "reg.h"

static struct reg r;

static void shuffle(uint32_t *order, uint32_t n)
{
	uint32_t state = 1;

	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n - 1; i; i--) {
		uint32_t j = rnd(&state) % (i + 1), other = order[j];

		order[j] = order[i];
		order[i] = other;
	}
}

static void test(void)
{
	uint32_t n = scaled(4000, 300), *order = calloc(n, sizeof(*order));
	uint64_t length = 2 * n * PAGE;
	char *memory = own_private(length);

	ASSERT(order);
	reg_open(&r);
	shuffle(order, n);
	for (uint32_t i = 0; i < n; i++)
		ASSERT_EQ(reg_add_mapped(r.fd, memory + order[i] * 2 * PAGE + 8,
					 PAGE - 8, r.gpu), 0);
	EXPECT_REGISTERED(r.fd, n, n * PAGE);
	EXPECT_EQ(pages_mapped(&r.pt, memory, length), n);
	ASSERT_EQ(reg_add_mapped(r.fd, memory, length, r.gpu), 0);
	EXPECT_REGISTERED(r.fd, n + 1, length);
	reg_check_identity(&r, "one over all", memory, length);

	shuffle(order, n);
	for (uint32_t i = 0; i < n / 2; i++)
		ASSERT_EQ(reg_end(r.fd, memory + order[i] * 2 * PAGE + 8,
				  PAGE - 8), 0);
	EXPECT_REGISTERED(r.fd, n / 2 + 1, length);
	EXPECT_EQ(pages_mapped(&r.pt, memory, length), 2 * n);
	ASSERT_EQ(reg_end(r.fd, memory, length), 0);
	EXPECT_REGISTERED(r.fd, n / 2, n / 2 * PAGE);
	EXPECT_EQ(pages_mapped(&r.pt, memory, length), n / 2);
	for (uint32_t i = n / 2; i < n; i++)
		ASSERT_EQ(reg_end(r.fd, memory + order[i] * 2 * PAGE + 8,
				  PAGE - 8), 0);
	EXPECT_REGISTERED(r.fd, 0, 0);
	EXPECT_EQ(pages_mapped(&r.pt, memory, length), 0);
	reg_close(&r);
}

int main(void)
{
	return test_main(test);
}
