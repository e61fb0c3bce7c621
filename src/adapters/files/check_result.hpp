#pragma once
/// What `market check` says of one thing that must hold.

#include <string>
#include <vector>

namespace market::files {

/// `violation` is empty when it holds.
struct CheckResult {
  std::string invariant, violation;
};
using CheckResults = std::vector<CheckResult>;

/// Counts differences and keeps the first in words.
class Differences {
 public:
  void note(std::string what) {
    if (count_++ == 0) first_ = std::move(what);
  }
  bool none() const { return count_ == 0; }
  std::string text() const { return count_ < 2 ? first_ : first_ + " (" + std::to_string(count_) + " such)"; }

 private:
  std::string first_;
  std::size_t count_ = 0;
};

}  // namespace market::files
