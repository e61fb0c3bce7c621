#pragma once
/// How often orders for each product were refused since it was last asked; any thread. Kept for a moment
/// only: who takes them writes them down (ports/refusal_history.hpp).
///
///   notes.add(product, Code::sold_out);
///   for (const auto& each : notes.take()) …

#include <array>
#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <mutex>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace market::order {

class RefusalNotes {
 public:
  struct Note {
    ProductId product;
    Code code = Code::sold_out;
    std::int64_t count = 0;
  };
  /// More products and reasons than that in one part are not counted.
  static constexpr std::size_t notes_max = 4'096;

  void add(ProductId product, Code code, std::int64_t count = 1) {
    Part& part = own_part();
    const std::lock_guard lock(part.mutex);  // Nobody else's, but for the one who takes.
    if (part.counts.size() >= notes_max && !part.counts.contains({product, code})) return;
    part.counts[{product, code}] += count;
  }
  std::vector<Note> take() {
    std::vector<Note> all;
    for (Part& part : parts_) {
      Counts taken;
      {
        const std::lock_guard lock(part.mutex);
        taken.swap(part.counts);
      }
      for (const auto& [key, count] : taken) all.push_back(Note{key.first, key.second, count});
    }
    return all;
  }

 private:
  using Counts = boost::unordered_flat_map<std::pair<ProductId, Code>, std::int64_t>;
  static constexpr std::size_t part_count = 16;
  struct alignas(64) Part {
    std::mutex mutex;
    Counts counts;
  };
  Part& own_part() {
    static std::atomic<std::size_t> threads{0};
    thread_local const std::size_t part = threads.fetch_add(1, std::memory_order_relaxed) % part_count;
    return parts_[part];
  }

  std::array<Part, part_count> parts_;
};

/// Where the step of `now` begins: seconds around the opening, minutes for a day, then hours. So a sale of a
/// minute has its shape, and one of a month few rows.
inline Instant refusal_step(Instant opens_at, Instant now) {
  const Millis away = now > opens_at ? now - opens_at : opens_at - now;
  const Millis width = away < std::chrono::minutes(10) ? Millis(1'000)
                       : away < std::chrono::hours(24) ? Millis(60'000)
                                                       : Millis(3'600'000);
  const auto since = now.time_since_epoch();
  return Instant(since - since % width);
}

}  // namespace market::order
