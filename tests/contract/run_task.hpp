#pragma once
/// Runs a Task to its end on this thread; and a folder of a test's own.

#include "tests/support/run_task.hpp"
#include "tests/support/temp_folder.hpp"

namespace market::contract {

using tests::run;

class TemporaryFolder : public tests::TempFolder {
 public:
  std::string file(const char* name) const { return (path() / name).string(); }
};

}  // namespace market::contract
