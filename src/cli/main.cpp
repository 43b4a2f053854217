// `sextant`: the program is what its commands are (program.h).
#include "cli/program.h"

int main(int argc, char** argv) { return sextant::cli::run(argc, argv); }
