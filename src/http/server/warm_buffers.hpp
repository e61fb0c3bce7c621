#pragma once
/// Memory that connections need only while they work. What was given back last is taken first: it is still in
/// the processor's cache, and an idle connection holds none.

#include <memory>
#include <string>
#include <vector>

#include "http/server/read_buffer.hpp"

namespace market::http {

class WarmBuffers {
 public:
  void lend(ReadBuffer& to) {
    if (to.has_memory() || inputs_.empty()) return;
    to.lend(std::move(inputs_.back()));
    inputs_.pop_back();
  }
  void take_back(ReadBuffer& from) {
    auto memory = from.give_back();
    if (memory && inputs_.size() < kept_max) inputs_.push_back(std::move(memory));
  }
  void lend(std::string& to) {
    if (has_memory(to) || outputs_.empty()) return;
    to = std::move(outputs_.back());
    outputs_.pop_back();
  }
  /// `from` is empty.
  void take_back(std::string& from) {
    if (!has_memory(from)) return;
    std::string memory = std::exchange(from, std::string());
    if (memory.capacity() <= output_bytes_max && outputs_.size() < kept_max)
      outputs_.push_back(std::move(memory));
  }

 private:
  /// Of its own, not just the few bytes within the string.
  static bool has_memory(const std::string& text) { return text.capacity() > std::string().capacity(); }

  static constexpr std::size_t kept_max = 64;                ///< Of each kind.
  static constexpr std::size_t output_bytes_max = 4 * 1024;  ///< Larger ones are rare.
  std::vector<std::unique_ptr<char[]>> inputs_;              ///< Of ReadBuffer::small bytes.
  std::vector<std::string> outputs_;
};

}  // namespace market::http
