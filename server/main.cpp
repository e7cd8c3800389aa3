// sx: the native binary.
#include "server/cli/cli.h"

int main(int argc, char** argv) { return sx::cli::main(argc, argv); }
