"""The same bits on other processors, which qemu emulates."""
