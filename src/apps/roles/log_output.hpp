#pragma once
/// The log's way out: a bounded queue and a thread of its own, so that no line ever stops who logs it, nor
/// the end of the process. Lines beyond the bound, and those that repeat too often, are left out and counted;
/// the next line that gets through says how many.

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/sink.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "apps/roles/line_output.hpp"

namespace market::apps {

class LogOutput final : public spdlog::sinks::sink {
 public:
  struct Counts {
    std::uint64_t lost = 0;      ///< No room, or they could not be written.
    std::uint64_t repeated = 0;  ///< Said often enough just before.
  };

  explicit LogOutput(int fd);
  /// What waits is written as far as it can be in `last_words_max`.
  ~LogOutput() override;

  void log(const spdlog::details::log_msg& message) override;
  void flush() override {}
  void set_pattern(const std::string& pattern) override;
  void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override;
  Counts counts() const { return {lost_.load(), repeated_.load()}; }

  static constexpr std::size_t queue_bytes_max = 1024 * 1024;
  static constexpr int repeats_max = 20;  ///< Lines that differ in numbers and ids only, in one window.
  static constexpr Millis repeats_window{10'000};
  static constexpr std::size_t kinds_max = 256;  ///< Kinds of lines that are told apart in one window.
  static constexpr Millis last_words_max{500};

 private:
  bool is_repeated(const spdlog::details::log_msg& message);
  void append(const spdlog::details::log_msg& message);
  void run();

  LineOutput output_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::unique_ptr<spdlog::formatter> formatter_;
  std::string queue_;
  std::size_t queued_lines_ = 0;
  std::unordered_map<std::size_t, int> seen_;  ///< Kind to count, of this window.
  spdlog::log_clock::time_point window_began_;
  std::uint64_t repeated_here_ = 0;  ///< In this window, not said yet.
  bool stopped_ = false;
  std::atomic<std::uint64_t> lost_{0}, repeated_{0};
  std::uint64_t lost_said_ = 0;
  std::thread thread_;
};

}  // namespace market::apps
