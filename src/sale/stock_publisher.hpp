#pragma once
/// Writes the live stock where all instances can read it (ports/shared_stock.hpp), while this one writes the
/// log. What moves is gathered for a moment; what moved lately is written again every second, all else in
/// passing, and all of it at once when it turns out that nothing is there: a value that was lost or spoiled
/// comes back by itself. Nobody waits for any of it.

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>

#include "base/task_repeater.hpp"
#include "ports/log_follower.hpp"
#include "ports/product_board.hpp"
#include "ports/shared_stock.hpp"

namespace market::sale {

struct PublisherParts {
  SharedStock& stock;
  const ProductBoard& board;
  std::function<LogId()> log;    ///< None: nobody has written it yet.
  std::function<Place()> end;    ///< How far the log was followed.
  std::function<bool()> writes;  ///< False: another instance publishes.
  /// Which connection there is; none: it is away. Another one may lead to an empty or an older store.
  std::function<std::optional<std::uint64_t>()> connection;
  std::function<void(const std::string&)> warn;
  std::function<std::chrono::steady_clock::time_point()> clock = &std::chrono::steady_clock::now;
};

class StockPublisher final : public LogFollower {
 public:
  static constexpr Millis gather_time{20};       ///< Of moves, before they are written together.
  static constexpr Millis mark_time{250};        ///< Between two looks whether anything is there.
  static constexpr Millis hot_again{1'000};      ///< Between two times that what is hot is written.
  static constexpr Millis hot_time{60'000};      ///< So long after it moved a product is hot.
  static constexpr std::size_t hot_max = 2'000;  ///< The hottest products; the others come in passing.
  static constexpr Millis pass_time{500};        ///< Between two batches of those that come in passing.
  static constexpr Millis after_failure{200};

  /// All outlive it.
  explicit StockPublisher(PublisherParts parts) : parts_(std::move(parts)) {}
  ~StockPublisher() override { stop(); }
  void follow(const CountedEvents& events) override;
  void start(const asio::any_io_executor& executor) { task_.start(executor); }
  /// Not on the executor's thread.
  void stop() { task_.stop(); }
  /// One batch, if there is one. False: it failed, and is tried again after a while.
  asio::awaitable<bool> publish();

  std::uint64_t lines_written() const { return written_.load(std::memory_order_relaxed); }
  std::uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }
  /// Since the start: lines that the store had from a place ahead of this log.
  std::uint64_t lines_newer() const { return newer_.load(std::memory_order_relaxed); }

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  asio::awaitable<Millis> step();
  bool ready(SteadyTime now);
  void write_all_anew(SteadyTime now);
  void gather_hot(SteadyTime now);
  std::vector<ProductId> next_products(SteadyTime now);
  std::optional<StockLine> line_of(ProductId product, Place end) const;
  void note(const SharedStock::Written& written, SteadyTime now);

  const PublisherParts parts_;
  std::mutex mutex_;
  boost::unordered_flat_set<ProductId> moved_;
  boost::unordered_flat_map<ProductId, SteadyTime> hot_;

  // The executor's thread only.
  bool wrote_ = false, everything_ = false;
  std::optional<std::uint64_t> connection_;
  std::shared_ptr<const std::vector<ShownProductPtr>> passing_;
  std::size_t passed_ = 0;
  SteadyTime mark_at_{}, hot_at_{}, pass_at_{};
  std::optional<SteadyTime> newer_since_;
  std::string said_;

  std::atomic<std::uint64_t> written_{0}, failures_{0}, newer_{0};
  TaskRepeater task_{"publishing the live stock", [this] { return step(); }};
};

}  // namespace market::sale
