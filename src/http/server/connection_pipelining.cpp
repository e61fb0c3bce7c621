// Requests that a gateway has sent on one connection and that are independent of each other: the handlers
// work at the same time, so that orders which come together are committed together; answers leave in turn.

#include <spdlog/spdlog.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include "http/message/problem.hpp"
#include "http/server/connection.hpp"

namespace market::http {
namespace {

constexpr std::size_t pipelined_max = 32;
constexpr std::size_t pipelined_bytes_max = 64 * 1024;  ///< Of one request; a longer one comes in its turn.

/// The bytes that `request` was read from lie elsewhere now.
void rebase(Request& request, const char* from, std::size_t bytes, const char* to) {
  const auto move = [from, bytes, to](std::string_view& view) {
    const auto offset =
        reinterpret_cast<std::uintptr_t>(view.data()) - reinterpret_cast<std::uintptr_t>(from);
    if (offset <= bytes) view = {to + offset, view.size()};  // Others are literals.
  };
  move(request.target);
  move(request.path);
  move(request.query);
  for (auto& field : request.headers) {
    move(field.name);
    move(field.value);
  }
}

}  // namespace

bool Connection::is_independent(const Request& request, const Framing& framing) {
  return request.method == Method::post && framing.keep_alive && !framing.http_1_0 && !framing.chunked &&
         !framing.expect_continue && framing.content_length <= pipelined_bytes_max &&
         request.has_header(independent_field);
}

/// Null: what comes next is not whole yet, or not plain; then serve() reads it in its turn.
std::unique_ptr<Connection::Pipelined> Connection::take_pipelined() {
  auto one = std::make_unique<Pipelined>();
  Framing framing;
  Refusal refusal;
  const auto state = parse_head(in_.view(), head_limits(), one->request, framing, refusal);
  if (state == HeadState::incomplete) return nullptr;
  takes_more_ = state == HeadState::complete && is_independent(one->request, framing);
  const auto bytes = framing.head_bytes + static_cast<std::size_t>(framing.content_length);
  if (!takes_more_ || bytes > in_.size()) return nullptr;
  one->bytes.assign(in_.view().substr(0, bytes));  // The buffer changes while the handler works.
  rebase(one->request, in_.base(), bytes, one->bytes.data());
  one->framing = framing;
  one->request.body = std::string_view(one->bytes).substr(framing.head_bytes);
  one->request.remote_address = peer_.text.data();
  one->request.remote_is_loopback = peer_.loopback;
  one->request.secure = peer_.tls;
  set_origin(one->request, one->trace);
  one->began_ns = steady_ns();
  one->match = thread_.shared().router.match(one->request);
  // What is passed on may answer with a stream.
  const bool passed_on = one->match.options && one->match.options->any_body;
  takes_more_ = !passed_on && framing.content_length <= body_limit(one->request, one->match);
  takes_more_ = takes_more_ && charge_pipelined(*one, bytes);
  if (!takes_more_) return nullptr;
  in_.consume(bytes);
  return one;
}

/// Like the bodies that are on their way: a few small requests are not counted.
bool Connection::charge_pipelined(Pipelined& one, std::size_t bytes) {
  if (pipelined_bytes_ + bytes > unfinished_bytes_free) {
    if (!thread_.shared().take_unfinished(peer_, bytes)) return false;
    one.charged = bytes;
  }
  pipelined_bytes_ += bytes;
  return true;
}

void Connection::end_pipelined(const Pipelined& one) {
  pipelined_bytes_ -= one.bytes.size();
  if (one.charged > 0) thread_.shared().give_back_unfinished(peer_, one.charged);
}

asio::awaitable<Reply> Connection::work_on(const Handler& handler, const Request& request, std::uint64_t id) {
  try {
    IoThread::current()->serving = id;
    auto answer = co_await handler(request);
    co_return answer_of(std::move(answer), request);
  } catch (const std::exception& failure) {
    co_return answer_of(failure, request);
  }
}

void Connection::begin(Pipelined& one) {
  one.reply = answer_without_handler(one.request, one.match, !one.request.body.empty());
  if (one.reply) return;
  // The reply is there when nothing of the handler is left, not before: `one` may go then.
  asio::co_spawn(thread_.io(), work_on(*one.match.handler, one.request, id_),
                 [this, &one](std::exception_ptr failed, Reply reply) {
                   if (failed || reply.stream || reply.tunnel)
                     reply = problem_reply(Error(Code::internal, ""), one.request.trace_id);
                   one.reply = std::move(reply);
                   if (awaited_ == &one) resume(Wake::ready);
                 });
}

asio::awaitable<bool> Connection::serve_pipelined(std::unique_ptr<Pipelined> first) {
  // The handlers know this session, so nothing may end it before they have ended.
  co_await asio::this_coro::throw_if_cancelled(false);
  std::deque<std::unique_ptr<Pipelined>> under_way;
  begin(*first);
  under_way.push_back(std::move(first));
  bool open = true;
  int in_a_row = 0;
  for (;;) {
    while (!under_way.empty() && under_way.front()->reply) {
      const auto one = std::move(under_way.front());
      under_way.pop_front();
      end_pipelined(*one);
      if (!open || abandoned_) continue;
      std::swap(request_, one->request);
      framing_ = one->framing;
      began_ns_ = one->began_ns;
      more_answers_ = !under_way.empty();
      write_reply(*one->reply);
      if (tail_.empty() && out_.size() <= held_bytes_max) continue;
      const bool sent = co_await flush();
      open = sent;
    }
    const bool takes = open && takes_more_ && !closed_ && !is_draining();
    const bool room = takes && under_way.size() < pipelined_max;
    if (room && !in_.empty()) {
      if (auto next = take_pipelined()) {
        begin(*next);
        under_way.push_back(std::move(next));
        if (++in_a_row < static_cast<int>(pipelined_max)) continue;
        in_a_row = 0;  // The others of this thread get their turn.
        co_await asio::post(thread_.io(), asio::use_awaitable);
        continue;
      }
    }
    if (room && takes_more_ && readable_ && receive()) continue;
    if (under_way.empty()) break;
    in_a_row = 0;
    if (!out_.empty()) hold_back();
    awaited_ = under_way.front().get();
    reads_pipelined_ = room && takes_more_;
    co_await wait(Waiting::handlers);
    reads_pipelined_ = false;
    awaited_ = nullptr;
  }
  co_await asio::this_coro::throw_if_cancelled(true);
  parse_due_ = !in_.empty();
  if (parse_due_) request_began_ms_ = thread_.now_ms();
  co_return open && !abandoned_;
}

}  // namespace market::http
