#pragma once
/// Where a process ends or stops itself, or breaks a part of it, so that tests reach the windows between two
/// steps: `orders.failpoint`, refused with --production. Off: one comparison.
///
///   const auto failpoint = Failpoint::parse("count:3");  // The third group's buyers are not answered.
///   failpoint->reach(Failpoint::At::count);

#include <atomic>
#include <charconv>
#include <csignal>
#include <memory>
#include <optional>
#include <string_view>

namespace market {

class Failpoint {
 public:
  enum class At : std::uint8_t {
    nowhere,
    append,    ///< A group is in the log, and nobody here knows that it counts.
    count,     ///< It was shown to all that follow, and its buyers are not answered yet.
    effect,    ///< Public events are in their topic, and the place is not stored.
    attempt,   ///< A payment has begun in the log, and nobody was asked for money.
    charge,    ///< The money has moved, and the log does not know.
    settle,    ///< The log knows what became of it, and the buyer is not answered.
    refund,    ///< The money was given back, and the log does not know.
    post,      ///< A webhook was taken by its receiver, and that is not written down.
    producer,  ///< A record was given to Kafka's producer, which breaks for good: nobody is killed.
  };

  Failpoint() = default;
  /// NAME[:N][:stop]: the N-th time the process is killed, or stopped until somebody continues it. None: that
  /// is no failpoint. Empty: nowhere.
  static std::optional<Failpoint> parse(std::string_view text) {
    Failpoint made;
    const auto next = [&text] {
      const auto word = text.substr(0, text.find(':'));
      text.remove_prefix(std::min(text.size(), word.size() + 1));
      return word;
    };
    if (text.empty()) return made;
    const auto name = next();
    for (const auto& [known, at] : {std::pair<std::string_view, At>{"append", At::append},
                                    {"count", At::count},
                                    {"effect", At::effect},
                                    {"attempt", At::attempt},
                                    {"charge", At::charge},
                                    {"settle", At::settle},
                                    {"refund", At::refund},
                                    {"post", At::post},
                                    {"producer", At::producer}})
      if (name == known) made.at_ = at;
    int times = 1;
    auto word = next();
    if (!word.empty() && word != "stop") {
      const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), times);
      if (error != std::errc() || end != word.data() + word.size() || times < 1) return std::nullopt;
      word = next();
    }
    made.stops_ = word == "stop";
    if (made.at_ == At::nowhere || !text.empty() || (!word.empty() && !made.stops_)) return std::nullopt;
    made.left_ = std::make_shared<std::atomic<int>>(times);
    return made;
  }

  void reach(At at) const {
    if (reached(at)) std::raise(stops_ ? SIGSTOP : SIGKILL);
  }
  /// True the N-th time; for what is no end of the process.
  bool reached(At at) const { return at == at_ && left_->fetch_sub(1) == 1; }

 private:
  At at_ = At::nowhere;
  bool stops_ = false;
  std::shared_ptr<std::atomic<int>> left_;  ///< All copies count together.
};

}  // namespace market
