#pragma once
/// The gateway's access log (one JSON line per request) and its spans (OTLP over HTTP, as JSON). Both leave
/// on a thread of their own; a bounded queue drops what it cannot take, and counts it.

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "http/client.hpp"
#include "services/gateway/journal.hpp"

namespace market::apps {

/// Where spans are posted to.
struct Collector {
  http::BaseUrl base;  ///< No host: no spans.
  std::string path;    ///< Below the base.
};
/// `spans_url`: http://HOST:PORT/PATH or empty. Throws UsageError.
Collector collector_of(const std::string& spans_url);

class RequestJournal final : public gateway::Journal {
 public:
  /// `log`: a file, `-` for standard error, or empty; `spans_url`: http://HOST:PORT/PATH or empty.
  /// Throws UsageError.
  RequestJournal(const std::string& log, const std::string& spans_url);
  ~RequestJournal() override;

  bool is_on() const override { return file_ != nullptr || !collector_.base.host.empty(); }
  void take(const gateway::Answered& answered) override;
  std::uint64_t dropped() const { return dropped_.load(); }

 private:
  static constexpr std::size_t queue_max = 16'384;
  void run();
  void write_log(const std::vector<gateway::Answered>& batch);
  void send_spans(const std::vector<gateway::Answered>& batch);

  std::FILE* file_ = nullptr;
  const Collector collector_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<gateway::Answered> queue_;
  bool stopped_ = false;
  std::atomic<std::uint64_t> dropped_{0};
  std::thread thread_;
};

}  // namespace market::apps
