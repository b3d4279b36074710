// The instruction sets a kernel is compiled for: AVX2, which the build promises, and AVX-512. Comes before
// Highway's foreach_target.h.
#pragma once
// Highway asks for AES in everything from SSE4 on, which x86-64-v3 does not promise and no kernel uses.
#define HWY_DISABLE_PCLMUL_AES
