#pragma once
/// `market bench`: the load generator as a command; `market bench --help` lists its options.

namespace market::apps {

/// `argv[0]` is the command's name. Answers the exit status: 0, or 1 when requests were left without an
/// answer; throws UsageError for a mistake on the command line.
int run_bench(int argc, char** argv);

}  // namespace market::apps
