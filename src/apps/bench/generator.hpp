#pragma once
/// Sends requests over keep-alive connections and counts the answers.
///
/// Open loop (`rate` > 0): request i is due at start + i / rate whatever the server does, and its latency
/// counts from that moment, also while it waits for a free connection: a slow server cannot hide behind its
/// own slowness. Closed loop: each connection sends its next request when the last one is answered.

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apps/bench/histogram.hpp"
#include "apps/bench/requests.hpp"

namespace market::apps::load {

struct Target {
  sockaddr_storage address{};
  socklen_t size = 0;
  std::string host;  ///< As in a Host field.
};
/// Of `http://host:port`. Throws std::runtime_error with one clear line.
Target resolve(const std::string& url);

struct LoadPlan {
  int connections = 256;
  int threads = 1;
  double rate = 0;  ///< Requests per second; 0: closed loop.
  std::chrono::nanoseconds duration{0};
  std::uint64_t requests = 0;         ///< 0: as many as fit into the duration.
  std::chrono::nanoseconds drain{0};  ///< How long answers are waited for at the end.
};

struct Outcome {
  int status = 0;
  std::string code;  ///< Of a problem document; empty for 2xx.
  std::uint64_t count = 0;
};

struct Tally {
  Histogram successes, refusals;  ///< 2xx; everything else that was answered.
  std::vector<Outcome> outcomes;
  std::uint64_t sent = 0;
  std::uint64_t connect_failures = 0;  ///< Tried again after a while.
  std::uint64_t connections_lost = 0;  ///< With a request under way.
  std::uint64_t broken_answers = 0;
  std::uint64_t unanswered = 0;         ///< At the end of the drain time.
  std::uint64_t unsent = 0;             ///< Open loop: due, but no connection became free until the end.
  std::chrono::nanoseconds elapsed{0};  ///< First request to last answer.

  void count(int status, std::string_view code, std::uint64_t by = 1);
  void add(const Tally& other);
  std::uint64_t answered() const { return successes.count() + refusals.count(); }
  std::uint64_t errors() const { return connections_lost + broken_answers + unanswered + unsent; }
};

/// Blocks until all is answered or the drain time is over. Throws std::runtime_error when the target cannot
/// be reached at the start.
Tally generate(const Target& target, const LoadPlan& plan, const Requests& requests);

/// One GET, blocking; the body of a 200. Throws std::runtime_error.
std::string fetch(const Target& target, const std::string& path);

}  // namespace market::apps::load
