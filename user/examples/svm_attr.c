// SPDX-License-Identifier: MIT
/*
 * SVM attributes: ordinary memory that is no buffer and is not registered. The
 * program says which GPU uses it and how; where it is kept is KFD's business.
 * Needs a kernel with CONFIG_HSA_AMD_SVM, which Debian's is not.
 */
#include <errno.h>
#include <stdlib.h>

#include <linux/kfd_ioctl.h>

#include "example.h"

#define MEMORY		(2u << 20)
#define LENGTH		(256u << 10)
#define GRANULARITY	6	/* as a power of two of pages: 256 KiB */

int main(void)
{
	static const char text[] = "ordinary memory";
	char *memory = aligned_alloc(MEMORY, MEMORY), *advised = memory + LENGTH;
	struct rocsvm_ctx *ctx;
	uint32_t gpu_id;
	void *host;
	int ret;

	EXPECT(memory);
	memset(memory, 0, MEMORY);
	strcpy(advised, text);
	ctx = start(&gpu_id);

	const struct kfd_ioctl_svm_attribute advice[] = {
		{ .type = KFD_IOCTL_SVM_ATTR_ACCESS, .value = gpu_id },
		{ .type = KFD_IOCTL_SVM_ATTR_GRANULARITY, .value = GRANULARITY },
	};

	/* A page is registered or has attributes, one or the other. */
	CALL(rocsvm_register(ctx, memory, LENGTH, &gpu_id, 1));
	ret = rocsvm_set_svm_attr(ctx, memory, LENGTH, advice, ARRAY_SIZE(advice));
	EXPECT(ret == -EADDRINUSE || ret == -EOPNOTSUPP);
	ret = rocsvm_set_svm_attr(ctx, advised, LENGTH, advice, ARRAY_SIZE(advice));
	if (ret == -EOPNOTSUPP) {
		printf("this kernel's KFD, or this GPU, has no SVM ranges\n");
		return EXIT_SKIP;
	}
	CALL(ret);
	printf("GPU %#x may use %u bytes at %p\n", gpu_id, LENGTH, (void *)advised);

	/* For a GPU the answer is in the type: which access it has. */
	struct kfd_ioctl_svm_attribute found[] = {
		{ .type = KFD_IOCTL_SVM_ATTR_ACCESS, .value = gpu_id },
		{ .type = KFD_IOCTL_SVM_ATTR_GRANULARITY },
	};
	CALL(rocsvm_get_svm_attr(ctx, advised, LENGTH, found, ARRAY_SIZE(found)));
	EXPECT(found[0].type == KFD_IOCTL_SVM_ATTR_ACCESS && found[0].value == gpu_id);
	EXPECT(found[1].value == GRANULARITY);
	printf("KFD says so, too\n");

	CALL(rocsvm_alloc(ctx, &host, 4096, ROCSVM_KIND_HOST, 0, 0));
	CALL(rocsvm_map(ctx, host, &gpu_id, 1));
	gpu_copy(ctx, gpu_id, host, advised, sizeof(text));
	EXPECT(!strcmp(host, text));
	printf("the GPU read \"%s\"\n", (char *)host);

	EXPECT(rocsvm_register(ctx, advised, LENGTH, &gpu_id, 1) == -EADDRINUSE);
	CALL(rocsvm_free(ctx, host));
	CALL(rocsvm_unregister(ctx, memory, LENGTH));
	free(memory);
	rocsvm_unref(ctx);
	return 0;
}
