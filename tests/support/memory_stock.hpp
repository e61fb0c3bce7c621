#pragma once
/// The live stock that instances share (ports/shared_stock.hpp), in memory and by the same rule.

#include <atomic>
#include <map>
#include <mutex>

#include "ports/shared_stock.hpp"

namespace market::tests {

class MemoryStock final : public SharedStock {
 public:
  Task<Written> write(LogId, Place, std::vector<StockLine> lines) override {
    const std::scoped_lock lock(mutex);
    ++calls;
    if (broken) co_return fail(Code::internal, "OOM command not allowed");
    Written written;
    written.was_empty = !std::exchange(known, true);
    for (StockLine& line : lines) {
      auto& there = kept[line.product];
      if (there.place > line.place)
        ++written.newer;
      else
        there = line;
    }
    co_return written;
  }
  Task<std::vector<StockLine>> moved_since(LogId, Place after) override {
    const std::scoped_lock lock(mutex);
    std::vector<StockLine> lines;
    for (const auto& [product, line] : kept)
      if (line.place > after) lines.push_back(line);
    co_return lines;
  }
  void flush() {
    const std::scoped_lock lock(mutex);
    kept.clear();
    known = false;
  }
  std::int64_t remaining(ProductId product) {
    const std::scoped_lock lock(mutex);
    const auto found = kept.find(product);
    return found == kept.end() ? -1 : found->second.remaining;
  }
  std::size_t size() {
    const std::scoped_lock lock(mutex);
    return kept.size();
  }
  std::mutex mutex;
  std::map<ProductId, StockLine> kept;
  bool known = false;
  std::atomic<bool> broken{false};
  std::atomic<int> calls{0};
};

}  // namespace market::tests
