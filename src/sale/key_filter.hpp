#pragma once
/// Which request keys may be bound already: a blocked Bloom filter over the last 24 to 48 hours, in two
/// generations. A miss is certain; a hit sends the one request to the records.
///
/// add() and merge() belong to one thread; the others are for any thread and never block. Untouched memory is
/// not resident. Size: 10 million keys a day give about 1 % false hits.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "domain/sale/order.hpp"

namespace market::sale {

class KeyFilter {
 public:
  static constexpr std::size_t bytes_per_generation = std::size_t{16} << 20;
  static constexpr std::chrono::hours life{24};

  KeyFilter();
  ~KeyFilter();
  KeyFilter(const KeyFilter&) = delete;
  KeyFilter& operator=(const KeyFilter&) = delete;

  /// `at`: when the key was bound; starts a new generation when the current one is older than `life`.
  void add(RequestKey key, Instant at);
  bool may_contain(RequestKey key) const;
  /// Fetches what may_contain() of this key will read: nearly always a miss of the cache.
  void prefetch(RequestKey key) const;

  /// For the gate's snapshot: only pages that hold something.
  std::string encode() const;
  /// Adds what `bytes` holds to this filter; no key of either is forgotten before its 24 hours are over.
  /// Errors: internal, when it is damaged.
  Result<> merge(std::string_view bytes);

 private:
  using Word = std::atomic<std::uint64_t>;
  static constexpr std::size_t words = bytes_per_generation / sizeof(Word);
  static std::size_t block_of(RequestKey key);
  bool holds(const Word* generation, RequestKey key) const;

  std::array<Word*, 2> generations_;
  std::atomic<unsigned> current_{0};
  std::atomic<Instant> started_{};  ///< The current generation. encode() of another thread reads it.
};

}  // namespace market::sale
