#pragma once
/// The newest changes as texts, and who waits for more: what the push streams read.

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/task.hpp"

namespace market::registry {

class ChangeFeed {
 public:
  /// Any thread.
  void add(std::uint64_t version, std::string event);
  /// Appends the events behind `seen`. False: some are forgotten, the reader starts anew.
  bool read_after(std::uint64_t seen, std::string& events, std::uint64_t& newest) const;

  /// A reader on its own executor; it waits on its own thread alone.
  class Reader {
   public:
    Reader(ChangeFeed& feed, const asio::any_io_executor& executor);
    ~Reader();
    Reader(const Reader&) = delete;
    /// Until something was added or `most` has passed. Ask read_after() first, without a wait in between.
    asio::awaitable<void> wait(std::chrono::milliseconds most);

   private:
    friend class ChangeFeed;
    ChangeFeed& feed_;
    std::shared_ptr<asio::steady_timer> timer_;
  };
  std::size_t readers() const;

 private:
  static constexpr std::size_t events_max = 4096;
  static constexpr std::size_t events_bytes_max = 16 * 1024 * 1024;
  mutable std::mutex mutex_;
  std::deque<std::pair<std::uint64_t, std::string>> events_;
  std::size_t bytes_ = 0;
  std::uint64_t forgotten_ = 0;  ///< Events up to this version are no longer here.
  std::set<Reader*> readers_;
};

}  // namespace market::registry
