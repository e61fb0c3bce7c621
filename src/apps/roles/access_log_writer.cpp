#include "apps/roles/access_log_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "apps/roles/serve_parts.hpp"
#include "base/thread_name.hpp"
#include "http/message/host_address.hpp"
#include "wire/json/json.hpp"

namespace market::apps {
namespace {

constexpr std::size_t spans_per_post_max = 512;
constexpr Millis look_max{100};              ///< One look for a reader of the log.
constexpr Millis last_words_max{500};        ///< For what is not written yet when the process ends.
constexpr Millis collector_time_max{2'000};  ///< Half to connect, half for the answer.

void append_text(std::string& out, std::string_view name, std::string_view value) {
  out.append(",\"").append(name).append("\":");
  wire::append_json_string(out, value);
}

std::string log_line(const http::RequestRecord& a) {
  const auto at = Instant(Millis(a.began_unix_ns / 1'000'000));
  std::string line =
      fmt::format(R"({{"at":"{}","status":{},"ms":{:.3f},"bytes":{},"tries":{})", format_rfc3339(at),
                  a.status, static_cast<double>(a.took_ns) / 1e6, a.bytes, a.tries);
  append_text(line, "method", a.method);
  append_text(line, "path", a.path);
  append_text(line, "route", a.route);
  append_text(line, "instance", a.instance);
  append_text(line, "client", a.client);
  append_text(line, "requestId", a.request_id);
  append_text(line, "traceId", a.trace_id);
  line += "}\n";
  return line;
}

void append_attribute(std::string& out, std::string_view key, std::string_view value) {
  out.append(R"({"key":")").append(key).append(R"(","value":{"stringValue":)");
  wire::append_json_string(out, value);
  out.append("}},");
}

/// One span as OTLP's JSON mapping wants it: ids in hex, times as texts, kind 2 = server.
void append_span(std::string& out, const http::RequestRecord& a) {
  out += fmt::format(R"({{"traceId":"{}","spanId":"{}")", a.trace_id, a.span_id);
  if (!a.parent_id.empty()) out += fmt::format(R"(,"parentSpanId":"{}")", a.parent_id);
  append_text(out, "name", a.method + " " + a.route);
  out += fmt::format(R"(,"kind":2,"startTimeUnixNano":"{}","endTimeUnixNano":"{}","attributes":[)",
                     a.began_unix_ns, a.began_unix_ns + a.took_ns);
  append_attribute(out, "http.request.method", a.method);
  append_attribute(out, "url.path", a.path);
  append_attribute(out, "http.route", a.route);
  if (!a.instance.empty()) append_attribute(out, "server.address", a.instance);
  out +=
      fmt::format(R"({{"key":"http.response.status_code","value":{{"intValue":"{}"}}}}],"status":{{{}}}}})",
                  a.status, a.status >= 500 ? R"("code":2)" : "");
}

}  // namespace

Collector collector_of(const std::string& spans_url) {
  constexpr std::string_view scheme = "http://";
  Collector collector;
  if (spans_url.empty()) return collector;
  const auto slash = std::min(spans_url.find('/', scheme.size()), spans_url.size());
  const auto address = spans_url.starts_with(scheme)
                           ? read_address(spans_url.substr(scheme.size(), slash - scheme.size()))
                           : std::nullopt;
  if (!address || address->port == 0)
    throw UsageError(fmt::format("http.spans_url: '{}' must be http://HOST:PORT/PATH", spans_url));
  collector.base.host = http::host_in_url(address->host);
  collector.base.port = std::to_string(address->port);
  collector.path = slash == spans_url.size() ? "v1/traces" : spans_url.substr(slash + 1);
  return collector;
}

namespace {

int opened(const std::string& path) {
  if (path.empty() || path == "-") return -1;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0)
    throw UsageError(fmt::format("http.access_log: {} cannot be written: {}", path, std::strerror(errno)));
  return fd;
}

}  // namespace

AccessLogWriter::AccessLogWriter(const Settings& settings, std::string service)
    : service_(std::move(service)),
      sampled_share_(static_cast<double>(settings.number("http.spans_per_million")) / 1e6),
      file_(opened(settings.text("http.access_log"))),
      collector_(collector_of(settings.text("http.spans_url"))) {
  if (!settings.text("http.access_log").empty())
    output_ = std::make_unique<LineOutput>(file_.get() < 0 ? STDERR_FILENO : file_.get());
  if (is_on()) thread_ = std::thread([this] { run(); });
}

AccessLogWriter::~AccessLogWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  ready_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void AccessLogWriter::take(const http::RequestRecord& record) {
  if (!wants(record.sampled)) return;
  const std::lock_guard lock(mutex_);
  if (queue_.size() >= queue_max) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  queue_.push_back(record);
  if (queue_.size() == 1) ready_.notify_one();
}

void AccessLogWriter::run() {
  name_thread("access-log");
  std::unique_lock lock(mutex_);
  for (;;) {
    ready_.wait(lock, [this] { return stopped_.load() || !queue_.empty(); });
    if (queue_.empty()) return;
    // A moment for more of them: one write, one post for many.
    if (!stopped_) ready_.wait_for(lock, std::chrono::milliseconds(50), [this] { return stopped_.load(); });
    const auto batch = std::exchange(queue_, {});
    lock.unlock();
    if (output_) write_log(batch);
    if (!collector_.base.host.empty()) send_spans(batch);
    lock.lock();
  }
}

void AccessLogWriter::write_log(const std::vector<http::RequestRecord>& batch) {
  using SteadyClock = std::chrono::steady_clock;
  std::string text(broken_line_ ? "\n" : "");
  for (const auto& answered : batch) text += log_line(answered);
  std::string_view rest = text;
  auto end = SteadyClock::time_point::max();
  auto outcome = LineOutput::Outcome::blocked;
  while (outcome == LineOutput::Outcome::blocked && SteadyClock::now() < end) {
    if (stopped_.load() && end == SteadyClock::time_point::max()) end = SteadyClock::now() + last_words_max;
    outcome = output_->write(rest, look_max);  // Meanwhile the queue fills, and then drops.
  }
  broken_line_ = !rest.empty() && rest.size() < text.size();
  const auto lost = std::count(rest.begin(), rest.end(), '\n');
  dropped_.fetch_add(std::min<std::uint64_t>(static_cast<std::uint64_t>(lost), batch.size()),
                     std::memory_order_relaxed);
}

void AccessLogWriter::send_spans(const std::vector<http::RequestRecord>& batch) {
  std::string spans;
  std::size_t count = 0;
  const auto post = [&] {
    if (count == 0) return;
    spans.pop_back();
    http::ClientRequest request;
    request.method = http::Method::post;
    request.path = collector_.path;
    request.content_type = http::json_type;
    request.deadline = collector_time_max / 2;
    request.body =
        R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":")" +
        service_ + R"("}}]},"scopeSpans":[{"scope":{"name":"market"},"spans":[)" + spans + "]}]}]}";
    asio::io_context io(1);
    http::Client collector(io.get_executor(), collector_.base);
    auto answer = asio::co_spawn(io, collector.send(std::move(request)), asio::use_future);
    io.run();
    const auto reply = answer.get();
    if (!reply || reply->status / 100 != 2) {
      dropped_.fetch_add(count, std::memory_order_relaxed);
      spdlog::warn("{} spans were not taken by {}:{}", count, collector_.base.host, collector_.base.port);
    }
    spans.clear();
    count = 0;
  };
  for (const auto& answered : batch) {
    if (!answered.sampled) continue;
    append_span(spans, answered);
    spans += ',';
    if (++count == spans_per_post_max) post();
  }
  post();
}

}  // namespace market::apps
