/* SPDX-License-Identifier: MIT */
/* 32-bit RISC-V: entry, system calls of Linux as qemu-riscv32 takes them, setjmp, and a call on
 * another stack. */

    .text
    .globl _start
_start:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    andi sp, sp, -16
    call embedded_main

/* long embedded_system(long number, long a, long b, long c) */
    .globl embedded_system
embedded_system:
    mv a7, a0
    mv a0, a1
    mv a1, a2
    mv a2, a3
    ecall
    ret

/* int setjmp(jmp_buf at) */
    .globl setjmp
setjmp:
    sw ra, 0(a0)
    sw sp, 4(a0)
    sw s0, 8(a0)
    sw s1, 12(a0)
    sw s2, 16(a0)
    sw s3, 20(a0)
    sw s4, 24(a0)
    sw s5, 28(a0)
    sw s6, 32(a0)
    sw s7, 36(a0)
    sw s8, 40(a0)
    sw s9, 44(a0)
    sw s10, 48(a0)
    sw s11, 52(a0)
    li a0, 0
    ret

/* void longjmp(jmp_buf at, int value) */
    .globl longjmp
longjmp:
    lw ra, 0(a0)
    lw sp, 4(a0)
    lw s0, 8(a0)
    lw s1, 12(a0)
    lw s2, 16(a0)
    lw s3, 20(a0)
    lw s4, 24(a0)
    lw s5, 28(a0)
    lw s6, 32(a0)
    lw s7, 36(a0)
    lw s8, 40(a0)
    lw s9, 44(a0)
    lw s10, 48(a0)
    lw s11, 52(a0)
    seqz a0, a1
    add a0, a0, a1
    ret

/* void embedded_call_on_stack(void (*f)(void *), void *argument, void *top) */
    .globl embedded_call_on_stack
embedded_call_on_stack:
    addi sp, sp, -16
    sw ra, 12(sp)
    sw s0, 8(sp)
    mv s0, sp
    mv t0, a0
    mv a0, a1
    mv sp, a2
    jalr t0
    mv sp, s0
    lw s0, 8(sp)
    lw ra, 12(sp)
    addi sp, sp, 16
    ret
