// SPDX-License-Identifier: MIT
/*
 * rocsvm bench measures every kind by both sides, and leaves nothing behind; what
 * it measures is no matter here.
 */
#include "tool.h"

static void test(void)
{
	unsigned long cycles = scaled(50, 5);

	EXPECT_EQ(tool("bench --cycles %lu", cycles), 0);
	fputs(tool_out, stdout);
	EXPECT_LE(widest_line(), 80);
	EXPECT_OUT("host   rocsvm ");
	EXPECT_OUT("VRAM   rocsvm ");
	EXPECT_OUT("       ratio ");
	EXPECT_EQ(tool("bench --cycles %lu --json", cycles), 0);
	EXPECT_JSON();
	EXPECT_OUT("\"by\": \"KFD\"");
	EXPECT(!strstr(tool_out, "_ns\": 0,"));
	expect_complaint(tool("bench --cycles 0"), 2);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return test_main(test);
}
