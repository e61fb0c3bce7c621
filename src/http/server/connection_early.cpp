// What is decided before a body is there, and what is read yet of a head that was refused.

#include <algorithm>

#include "http/message/problem.hpp"
#include "http/server/connection.hpp"

namespace market::http {
namespace {

constexpr std::size_t refused_head_bytes_max = 64 * 1024;  ///< Read of it, for its Origin.
constexpr std::chrono::milliseconds refused_head_time_max{500};

}  // namespace

/// A client that waits for 100 learns at once what it waits for; and a long body of somebody who may not send
/// it is not gathered. A short one is read all the same: then the connection lives on.
bool Connection::is_worth_judging_early() const {
  return framing_.chunked || framing_.content_length > unfinished_bytes_free || waits_for_word();
}

std::optional<Reply> Connection::answer_by_head(const Router::Match& match) {
  if (auto reply = answer_without_handler(request_, match, true)) return reply;
  if (!match.options->head_check) return std::nullopt;
  const auto allowed = match.options->head_check(request_);
  if (allowed) return std::nullopt;
  return problem_reply(allowed.error(), request_.trace_id);
}

asio::awaitable<std::optional<Reply>> Connection::judge_early(Router::Match match) {
  auto early = answer_by_head(match);
  if (early || !waits_for_word() || !match.options->ask_ahead) co_return early;
  try {
    thread_.serving = id_;
    auto asked = co_await match.options->ask_ahead(request_);
    request_.asked_ahead = true;
    if (asked) early = std::move(*asked);
  } catch (const std::exception& failure) {
    early = answer_of(failure, request_);
  }
  co_return early;
}

/// One that is too long, or of another version, is a head all the same: what browsers need to be told of the
/// refusal may stand in the part that is still to come. What is malformed is answered at once.
asio::awaitable<void> Connection::read_refused_head() {
  if (refusal_->status == Status::bad_request) co_return;
  const auto end = std::min(after(refused_head_time_max), drain_end_ms_);
  std::size_t looked_at = 0;
  while (in_.size() < refused_head_bytes_max) {
    const auto read = in_.view();
    if (read.find("\r\n\r\n", looked_at) != std::string_view::npos) co_return;
    looked_at = read.size() - std::min<std::size_t>(read.size(), 3);
    if (!charge_body()) co_return;
    if (readable_ && receive()) continue;
    if (closed_ || (peer_closed_ && !readable_)) co_return;
    deadline_ms_ = end;
    co_await wait(Waiting::read);
    if (wake_ != Wake::ready) co_return;
  }
}

}  // namespace market::http
