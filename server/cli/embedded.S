/* The pack made by the build (SX_PACK_FILE), used in place. */
    .section .rodata
    .balign 16
    .globl sx_pack_begin
sx_pack_begin:
    .incbin SX_PACK_FILE
    .globl sx_pack_end
sx_pack_end:
    .byte 0
    .section .note.GNU-stack,"",@progbits
