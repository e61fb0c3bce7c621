/// Drives one event log from outside, for tests/chaos/log_faults.py: each line of its output is a fact that
/// the log must keep, whatever is done to the process or the disk meanwhile.
///
///   log_driver append FOLDER COUNT [BATCH]
///       Appends numbered events; prints `ack LAST` for each durable group, and on errors `unavailable` or
///       `full`, then `reopened END`, and goes on.
///   log_driver check FOLDER
///       Reads all and prints `end LAST`; exit 1 when a number is missing.
///   log_driver bench FOLDER COUNT BATCH
///       Rates and CPU per event.

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include "adapters/sqlite/event_log.hpp"

namespace {

using namespace market;

/// The event that stands at `position` when the log holds what was appended and nothing else.
Event event_at(Position position) {
  Event event;
  event.at = Instant(Millis(1'700'000'000'000 + position));
  event.fact = StockAdjusted{ProductId{7}, position, "numbered"};
  return event;
}

std::vector<Event> group_behind(Position end, std::int64_t count) {
  std::vector<Event> events;
  for (Position position = end + 1; position <= end + count; ++position) events.push_back(event_at(position));
  return events;
}

sqlite::EventLogSettings settings_for(const std::string& folder) {
  sqlite::EventLogSettings settings;
  settings.path = folder + "/log.db";
  settings.checkpoint_bytes = 1 << 20;  // Small, so that faults meet checkpoints too.
  settings.warn = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
  return settings;
}

void say(const char* word, Position position) {
  std::printf("%s %lld\n", word, static_cast<long long>(position));
  std::fflush(stdout);
}

int append(const std::string& folder, std::int64_t groups, std::int64_t batch) {
  sqlite::SqliteEventLog log(settings_for(folder));
  Position end = *log.end();
  say("open", end);
  int failures = 0;
  for (std::int64_t done = 0; done < groups;) {
    const auto at = log.append(group_behind(end, batch));
    if (at) {
      end = *at;
      ++done;
      say("ack", end);
      continue;
    }
    if (++failures > 2000) return 3;
    if (at.error().code == Code::insufficient_storage) {
      say("full", end);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    say("unavailable", end);
    if (log.append(group_behind(end, batch))) return 4;  // It must refuse until it is open again.
    const auto reopened = log.reopen();
    if (!reopened) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    end = *reopened;
    say("reopened", end);
  }
  return 0;
}

int check_log(const std::string& folder) {
  sqlite::SqliteEventLog log(settings_for(folder));
  Position expected = *log.begin();
  bool fits = true;
  const auto read = log.read(0, [&](Position position, const Event& event) {
    const auto* fact = std::get_if<StockAdjusted>(&event.fact);
    fits = position == ++expected && fact != nullptr && fact->delta == position;
    return fits;
  });
  if (!read) std::fprintf(stderr, "%s\n", read.error().detail.c_str());
  if (!read || !fits || expected != *log.end()) return 1;
  say("end", expected);
  return 0;
}

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](timeval t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

Event order_like(Position position) {
  Event event;
  event.at = Instant(Millis(1'700'000'000'000 + position));
  OrderAccepted accepted;
  accepted.order.id = OrderId{position};
  accepted.order.user = UserId{position * 31};
  accepted.order.created_at = accepted.order.updated_at = accepted.order.pay_by = event.at;
  accepted.order.key = {static_cast<std::uint64_t>(position) * 0x9E3779B97F4A7C15ull, 5};
  accepted.order.lines.push_back({ProductId{1}, 1, Money{}, position});
  accepted.order.history.push_back({OrderState::accepted, event.at});
  event.fact = std::move(accepted);
  return event;
}

int bench(const std::string& folder, std::int64_t count, std::int64_t batch) {
  auto settings = settings_for(folder);
  settings.checkpoint_bytes = sqlite::EventLogSettings{}.checkpoint_bytes;
  sqlite::SqliteEventLog log(settings);
  std::vector<Event> events;
  for (std::int64_t i = 1; i <= batch; ++i) events.push_back(order_like(i));
  using Seconds = std::chrono::duration<double>;
  const auto start = std::chrono::steady_clock::now();
  const double cpu = cpu_seconds();
  double slowest = 0;
  for (std::int64_t done = 0; done < count; done += batch) {
    const auto before = std::chrono::steady_clock::now();
    if (!log.append(events)) return 1;
    slowest = std::max(slowest, Seconds(std::chrono::steady_clock::now() - before).count());
  }
  const auto written = std::chrono::steady_clock::now();
  const double cpu_written = cpu_seconds();
  std::int64_t seen = 0;
  if (!log.read(0, [&](Position, const Event&) { return ++seen > 0; })) return 1;
  const Seconds read_time = std::chrono::steady_clock::now() - written;
  const auto total = static_cast<double>(count);
  std::printf(
      "batch %lld: append %.0f events/s, %.2f us CPU per event, slowest group %.1f ms; read %.0f events/s\n",
      static_cast<long long>(batch), total / Seconds(written - start).count(),
      (cpu_written - cpu) / total * 1e6, slowest * 1e3, static_cast<double>(seen) / read_time.count());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() >= 3 && words[0] == "append") {
      return append(words[1], std::stoll(words[2]), words.size() > 3 ? std::stoll(words[3]) : 3);
    }
    if (words.size() == 2 && words[0] == "check") return check_log(words[1]);
    if (words.size() == 4 && words[0] == "bench")
      return bench(words[1], std::stoll(words[2]), std::stoll(words[3]));
    std::fprintf(stderr, "usage: log_driver append|check|bench FOLDER [COUNT [BATCH]]\n");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  return 2;
}
