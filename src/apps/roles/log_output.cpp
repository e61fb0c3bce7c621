#include "apps/roles/log_output.hpp"
#include "base/thread_name.hpp"

#include <fmt/format.h>
#include <csignal>

#include <algorithm>
#include <chrono>
#include <iterator>

namespace market::apps {
namespace {

/// One look for a reader; between two of them the thread sees that it shall end.
constexpr Millis look_max{100};

/// The same for lines that differ in numbers, ids and times alone: words with a digit do not count.
std::size_t kind_of(std::string_view text) {
  std::size_t kind = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    if (word.find_first_of("0123456789") == std::string_view::npos)
      kind = kind * 31 + std::hash<std::string_view>()(word);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return kind;
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

/// Text from outside (a registry, a database, a provider) must not forge a line, nor command a terminal.
std::string in_one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (is_control(c))
      fmt::format_to(std::back_inserter(line), "\\x{:02x}", static_cast<unsigned char>(c));
    else
      line += c;
  }
  return line;
}

}  // namespace

LogOutput::LogOutput(int fd) : output_(fd), formatter_(std::make_unique<spdlog::pattern_formatter>()) {
  // It is started before those who wait for signals: whoever has them unblocked would be ended by them.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LogOutput::~LogOutput() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  ready_.notify_one();
  thread_.join();
}

void LogOutput::set_pattern(const std::string& pattern) {
  set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
}

void LogOutput::set_formatter(std::unique_ptr<spdlog::formatter> formatter) {
  const std::lock_guard lock(mutex_);
  formatter_ = std::move(formatter);
}

bool LogOutput::is_repeated(const spdlog::details::log_msg& message) {
  if (message.time - window_began_ >= repeats_window || message.time < window_began_) {
    window_began_ = message.time;
    seen_.clear();
    if (const auto left_out = std::exchange(repeated_here_, 0)) {
      const auto text = fmt::format("{} lines like others just before were left out", left_out);
      append({message.logger_name, spdlog::level::warn, text});
    }
  }
  const auto kind = kind_of({message.payload.data(), message.payload.size()});
  if (seen_.size() >= kinds_max && !seen_.contains(kind)) return true;
  return ++seen_[kind] > repeats_max;
}

void LogOutput::append(const spdlog::details::log_msg& message) {
  spdlog::memory_buf_t line;
  const auto lost = lost_.load(std::memory_order_relaxed);
  if (lost != lost_said_ && queue_.size() < queue_bytes_max / 2) {
    const auto text = fmt::format("{} log lines could not be written and were left out", lost - lost_said_);
    formatter_->format({message.time, {}, message.logger_name, spdlog::level::warn, text}, line);
    lost_said_ = lost;
    ++queued_lines_;
  }
  formatter_->format(message, line);
  if (queue_.size() + line.size() > queue_bytes_max) {
    lost_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  queue_.append(line.data(), line.size());
  ++queued_lines_;
}

void LogOutput::log(const spdlog::details::log_msg& message) {
  auto shown = message;
  std::string line;
  if (std::any_of(message.payload.begin(), message.payload.end(), is_control)) {
    line = in_one_line({message.payload.data(), message.payload.size()});
    shown.payload = line;
  }
  {
    const std::lock_guard lock(mutex_);
    if (is_repeated(shown)) {
      ++repeated_here_;
      repeated_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    append(shown);
  }
  ready_.notify_one();
}

void LogOutput::run() {
  name_thread("log");
  using SteadyClock = std::chrono::steady_clock;
  bool broken_line = false;  // The last one was cut: the next begins on a line of its own.
  std::unique_lock lock(mutex_);
  for (;;) {
    ready_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::string taken = std::exchange(queue_, {});
    const auto lines = std::exchange(queued_lines_, 0);
    if (broken_line) taken.insert(taken.begin(), '\n');
    std::string_view rest = taken;
    SteadyClock::time_point end = SteadyClock::time_point::max();
    auto outcome = LineOutput::Outcome::blocked;
    while (outcome == LineOutput::Outcome::blocked && SteadyClock::now() < end) {
      if (stopped_ && end == SteadyClock::time_point::max()) end = SteadyClock::now() + last_words_max;
      lock.unlock();
      outcome = output_.write(rest, look_max);
      lock.lock();
    }
    broken_line = !rest.empty() && rest.size() < taken.size();
    if (rest.empty()) continue;
    const auto left = static_cast<std::uint64_t>(std::count(rest.begin(), rest.end(), '\n'));
    lost_.fetch_add(std::min<std::uint64_t>(left, lines), std::memory_order_relaxed);
    if (outcome == LineOutput::Outcome::blocked) return;  // At the end, and nobody reads.
  }
}

}  // namespace market::apps
