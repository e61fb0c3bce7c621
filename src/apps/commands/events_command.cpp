// `market events tail`: the public events, as their readers get them; of the embedded store, what they would
// be.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <thread>

#include "adapters/kafka/client_settings.hpp"
#include "adapters/kafka/reader.hpp"
#include "adapters/sqlite/log_view.hpp"
#include "apps/commands/commands.hpp"
#include "apps/commands/shared_store.hpp"
#include "apps/roles/serve_parts.hpp"
#include "base/must.hpp"
#include "sale/log_reader.hpp"
#include "wire/json/public_event.hpp"

namespace market::apps {
namespace {

/// The last ones first, then each as it comes. False from add() or flush(): nobody reads any more.
class Printer {
 public:
  explicit Printer(const EventsOptions& options) : last_(static_cast<std::size_t>(options.last)) {}

  bool add(std::string line) {
    if (!waiting_) return print(line);
    lines_.push_back(std::move(line));
    if (lines_.size() > last_) lines_.pop_front();
    return true;
  }
  bool flush() {
    waiting_ = false;
    for (const std::string& line : lines_)
      if (!print(line)) return false;
    lines_.clear();
    return std::fflush(stdout) == 0;
  }

 private:
  static bool print(const std::string& line) {
    return std::fwrite(line.data(), 1, line.size(), stdout) == line.size() && std::fputc('\n', stdout) != EOF;
  }

  const std::size_t last_;
  bool waiting_ = true;
  std::deque<std::string> lines_;
};

/// The rule of api/events.yaml.
class Reading {
 public:
  bool wants(std::string_view body) {
    boost::system::error_code wrong;
    const auto event = boost::json::parse(boost::json::string_view(body.data(), body.size()), wrong);
    const auto number = [&](const char* name) {
      const auto* found = wrong || !event.is_object() ? nullptr : event.as_object().if_contains(name);
      return found && found->is_int64() ? found->as_int64() : -1;
    };
    const auto generation = number("generation"), place = number("place"), previous = number("previous");
    if (generation < 0 || place < 0) return false;  // Not one of ours.
    const bool first = generation_ < 0;
    if (!first && (generation < generation_ || (generation == generation_ && place <= place_))) return false;
    if (!first && generation == generation_ && previous > place_) return false;
    generation_ = generation;
    place_ = place;
    return true;
  }

 private:
  std::int64_t generation_ = -1, place_ = 0;
};

/// Those of the topic, without what has come before.
void tail_topic(const kafka::EventTopicSettings& settings, const EventsOptions& options) {
  constexpr int answer_ms = 5'000;
  constexpr Millis look_again{500};
  if (!kafka::topic_is_there(settings.connection, settings.topic))
    throw std::runtime_error(fmt::format("the topic {} of public events does not exist", settings.topic));
  const auto marks =
      kafka::watermarks_of(kafka::make_consumer(settings.connection), settings.topic, answer_ms);
  if (!marks)
    throw std::runtime_error("Kafka does not say where the public events end: " + marks.error().detail);
  const Offset end = kafka::log_offset(marks->high);
  Printer printer(options);
  Reading reading;
  kafka::Reader reader(settings.connection, settings.topic, kafka::end_reader_settings());
  // What is older than the topic keeps is not there any more.
  must(reader.start(std::max(kafka::log_offset(marks->low), end - options.last)));
  bool more = true, caught_up = *reader.position() >= end;
  if (caught_up) more = printer.flush() && options.follow;
  while (more) {
    auto message = reader.next(look_again);
    if (!message) throw std::runtime_error(message.error().detail);
    if (*message && reading.wants(kafka::bytes_of(**message)))
      more = printer.add(std::string(kafka::bytes_of(**message)));
    if (more && caught_up) more = std::fflush(stdout) == 0;
    if (more && !caught_up && *reader.position() >= end) {
      caught_up = true;
      more = printer.flush() && options.follow;
    }
  }
}

/// Those that the log of a store would give, which may be running.
void tail_store(const EventsOptions& options) {
  constexpr Millis look_again{200};
  const auto path = std::filesystem::path(options.data) / "log.db";
  expect_store(options.data);
  sqlite::SqliteLogView log(path);
  Printer printer(options);
  wire::PublicEvents events;
  sale::LogRule rule;
  Offset next = 1;
  Place previous = 0;
  bool more = true;
  for (bool first = true; more; first = false) {
    must(log.read(next, [&](Offset offset, std::string_view record) {
      const auto counted = sale::judge(rule, record);
      must(counted ? Result<>() : fail(counted.error()));
      next = offset + 1;
      if (!*counted) return true;
      for (const CountedEvent& event : **counted) {
        const auto made = events.of(event, rule.at().log, previous);
        if (!made) continue;
        previous = made->place;
        if (!(more = printer.add(made->body))) return false;
      }
      return true;
    }));
    if (more) more = first ? printer.flush() && options.follow : std::fflush(stdout) == 0;
    if (more) std::this_thread::sleep_for(look_again);
  }
}

}  // namespace

int tail_events(const EventsOptions& options) {
  const Settings settings = read_settings(options.settings);
  if (const auto topic = event_topic_settings(settings))
    tail_topic(*topic, options);
  else if (!settings.text("log.kafka").empty())
    throw UsageError("events.topic: is empty: no events are published");
  else
    tail_store(options);
  return 0;
}

}  // namespace market::apps
