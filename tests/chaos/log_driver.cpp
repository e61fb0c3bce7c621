/// Drives one log from outside, for tests/chaos/log_faults.py: each line of its output is a fact that
/// the log must keep, whatever is done to the process or the disk meanwhile.
///
///   log_driver append FOLDER COUNT [BATCH]
///       Appends groups of BATCH numbered events; prints `ack OFFSET` for each durable record, and on errors
///       `unavailable` or `full`, then `reopened OFFSET` of the last record, and goes on.
///   log_driver check FOLDER [BATCH]
///       Reads all and prints `end OFFSET`; exit 1 when a number is missing.
///   log_driver bench FOLDER COUNT BATCH
///       Rates and CPU per event, encoding and decoding included.

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include "adapters/sqlite/log.hpp"
#include "wire/events/record_codec.hpp"

namespace {

using namespace market;

/// The event that stands at `place` when the log holds what was appended and nothing else.
Event event_at(Place place) {
  Event event;
  event.at = Instant(Millis(1'700'000'000'000 + place));
  event.fact = StockAdjusted{ProductId{7}, place, "numbered"};
  return event;
}

/// The record that stands at `offset`.
std::string record_at(Offset offset, std::int64_t batch) {
  const Place first = (offset - 1) * batch + 1;
  wire::GroupWriter group;
  group.begin(1, first);
  for (Place place = first; place < first + batch; ++place) group.add(event_at(place));
  return std::string(group.finish());
}

sqlite::LogSettings settings_for(const std::string& folder) {
  sqlite::LogSettings settings;
  settings.path = folder + "/log.db";
  settings.checkpoint_bytes = 1 << 20;  // Small, so that faults meet checkpoints too.
  settings.warn = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
  return settings;
}

void say(const char* word, Offset offset) {
  std::printf("%s %lld\n", word, static_cast<long long>(offset));
  std::fflush(stdout);
}

int append(const std::string& folder, std::int64_t records, std::int64_t batch) {
  sqlite::SqliteLog log(settings_for(folder));
  Offset last = *log.end() - 1;
  say("open", last);
  int failures = 0;
  for (std::int64_t done = 0; done < records;) {
    const auto at = log.append(record_at(last + 1, batch));
    if (at) {
      last = *at;
      ++done;
      say("ack", last);
      continue;
    }
    if (++failures > 2000) return 3;
    if (at.error().code == Code::insufficient_storage) {
      say("full", last);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    say("unavailable", last);
    if (log.append(record_at(last + 1, batch))) return 4;  // It must refuse until somebody has looked.
    const auto end = log.end();
    if (!end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    last = *end - 1;
    say("reopened", last);
  }
  return 0;
}

int check_log(const std::string& folder, std::int64_t batch) {
  sqlite::SqliteLog log(settings_for(folder));
  Offset seen = 0;
  bool fits = true;
  const auto read = log.read(1, [&](Offset offset, std::string_view record) {
    fits = offset == ++seen && record == record_at(offset, batch);
    return fits;
  });
  if (!read) std::fprintf(stderr, "%s\n", read.error().detail.c_str());
  if (!read || !fits || seen + 1 != *log.end()) return 1;
  say("end", seen);
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

Event order_like(std::int64_t number) {
  Event event;
  event.at = Instant(Millis(1'700'000'000'000 + number));
  event.key = {static_cast<std::uint64_t>(number) * 0x9E3779B97F4A7C15ull, 5};
  OrderAccepted accepted;
  accepted.order = OrderId{number};
  accepted.user = UserId{number * 31};
  accepted.pay_by = event.at;
  OrderLine line;
  line.product = ProductId{1};
  line.quantity = 1;
  line.ticket = number;
  accepted.lines.push_back(line);
  event.fact = std::move(accepted);
  return event;
}

int bench(const std::string& folder, std::int64_t count, std::int64_t batch) {
  auto settings = settings_for(folder);
  settings.checkpoint_bytes = sqlite::LogSettings{}.checkpoint_bytes;
  sqlite::SqliteLog log(settings);
  std::vector<Event> events;
  for (std::int64_t i = 1; i <= batch; ++i) events.push_back(order_like(i));
  using Seconds = std::chrono::duration<double>;
  const auto start = std::chrono::steady_clock::now();
  const double cpu = cpu_seconds();
  double slowest = 0;
  wire::GroupWriter group;
  for (std::int64_t done = 0; done < count; done += batch) {
    const auto before = std::chrono::steady_clock::now();
    group.begin(1, done + 1);
    for (const Event& event : events) group.add(event);
    if (!log.append(group.finish())) return 1;
    slowest = std::max(slowest, Seconds(std::chrono::steady_clock::now() - before).count());
  }
  const auto written = std::chrono::steady_clock::now();
  const double cpu_written = cpu_seconds();
  std::size_t seen = 0;
  const auto decode = [&seen](Offset, std::string_view bytes) {
    const auto decoded = wire::decode_record(bytes);
    const auto found = wire::decode_events(std::get<wire::Group>(decoded.value()));
    seen += found.value().size();
    return true;
  };
  if (!log.read(1, decode)) return 1;
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
    if (words.size() >= 2 && words[0] == "check")
      return check_log(words[1], words.size() > 2 ? std::stoll(words[2]) : 3);
    if (words.size() == 4 && words[0] == "bench")
      return bench(words[1], std::stoll(words[2]), std::stoll(words[3]));
    std::fprintf(stderr, "usage: log_driver append|check|bench FOLDER [COUNT [BATCH]]\n");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  return 2;
}
