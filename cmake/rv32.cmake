# SPDX-License-Identifier: MIT
# 32-bit RISC-V without an operating system: the core as an ESP32-C3 compiles it. Debian's compiler
# brings no C library; tests/embedded/libc has as much of one as the core and its unit tests use.
# They run in qemu-riscv32, whose system calls are Linux's: two of them, write and exit.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR riscv32)
set(CMAKE_C_COMPILER riscv64-unknown-elf-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-riscv32)
set(CMAKE_C_FLAGS_INIT "-march=rv32imc -mabi=ilp32")
set(CMAKE_ASM_FLAGS_INIT "${CMAKE_C_FLAGS_INIT}")
include(${CMAKE_CURRENT_LIST_DIR}/bare.cmake)
