#include "apps/bench/worker.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace market::apps::load {
namespace {

constexpr std::size_t buffer_bytes = 16 * 1024;
constexpr auto reopen_pause = std::chrono::milliseconds(50);

}  // namespace

Worker::Worker(Run& run, int index, int connections)
    : run_(run),
      index_(static_cast<std::uint64_t>(index)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      connections_(static_cast<std::size_t>(connections)) {}

Worker::~Worker() {
  for (Connection& connection : connections_)
    if (connection.fd >= 0) ::close(connection.fd);
  ::close(epoll_);
}

void Worker::connect() {
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    open(i);
    if (connections_[i].state == State::closed)
      throw std::runtime_error(fmt::format("cannot reach {}: {}", run_.target.host, std::strerror(errno)));
  }
  // All are to be connected before the first request: connecting is not what is measured.
  const auto give_up = Clock::now() + std::chrono::seconds(10);
  while (idle_.size() < connections_.size()) {
    if (Clock::now() > give_up || !closed_.empty())
      throw std::runtime_error(fmt::format("cannot open {} connections to {}: refused, or no answer for 10 s",
                                           connections_.size(), run_.target.host));
    wait(Clock::now(), Clock::now() + std::chrono::milliseconds(100));
  }
}

void Worker::open(std::size_t index) {
  Connection& connection = connections_[index];
  connection.fd = ::socket(run_.target.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* address = reinterpret_cast<const sockaddr*>(&run_.target.address);
  if (connection.fd < 0 ||
      (::connect(connection.fd, address, run_.target.size) != 0 && errno != EINPROGRESS)) {
    lose(index);
    return;
  }
  connection.state = State::connecting;
  connection.in.resize(buffer_bytes);
  connection.filled = 0;
  connection.reader.reset();
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = index;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event);
}

/// Closes it, whatever it was doing; it is opened again after a pause.
void Worker::lose(std::size_t index) {
  Connection& connection = connections_[index];
  if (connection.state == State::closed || connection.state == State::connecting) ++tally_.connect_failures;
  if (connection.state == State::busy) {
    ++tally_.connections_lost;
    --busy_;
  }
  if (connection.state == State::idle) std::erase(idle_, index);
  const auto error = errno;
  if (connection.fd >= 0) ::close(connection.fd);
  errno = error;
  connection.fd = -1;
  connection.state = State::closed;
  closed_.push_back(index);
  if (closed_.size() == 1) reopen_at_ = Clock::now() + reopen_pause;
}

void Worker::reopen(Clock::time_point now) {
  if (closed_.empty() || now < reopen_at_) return;
  std::vector<std::size_t> again;
  again.swap(closed_);
  for (const std::size_t index : again) open(index);
}

bool Worker::may_send(Clock::time_point now) const {
  return run_.plan.duration.count() == 0 || now < run_.start + run_.plan.duration;
}

Worker::Clock::time_point Worker::due() const {
  const auto number = index_ + scheduled_ * static_cast<std::uint64_t>(run_.plan.threads);
  const double after = static_cast<double>(number) * 1e9 / run_.plan.rate;
  return run_.start + std::chrono::nanoseconds(static_cast<std::int64_t>(after));
}

bool Worker::scheduled_left() const {
  const auto number = index_ + scheduled_ * static_cast<std::uint64_t>(run_.plan.threads);
  return (run_.plan.requests == 0 || number < run_.plan.requests) && may_send(due());
}

void Worker::send_due(Clock::time_point now) {
  while (!idle_.empty() && scheduled_left() && due() <= now) {
    const std::size_t index = idle_.front();
    idle_.pop_front();
    const auto since = due();
    const auto number = index_ + scheduled_++ * static_cast<std::uint64_t>(run_.plan.threads);
    begin(connections_[index], number, since);
  }
}

/// The connection is free: closed loop sends the next request at once.
void Worker::next_request(std::size_t index, Clock::time_point now) {
  Connection& connection = connections_[index];
  connection.state = State::idle;
  if (!open_loop() && run_.start != Clock::time_point{} && may_send(now)) {
    const auto number = run_.next.fetch_add(1, std::memory_order_relaxed);
    if (run_.plan.requests == 0 || number < run_.plan.requests) return begin(connection, number, now);
  }
  idle_.push_back(index);
}

void Worker::begin(Connection& connection, std::uint64_t number, Clock::time_point since) {
  connection.state = State::busy;
  connection.since = since;
  connection.out.clear();
  connection.sent = 0;
  run_.requests.append(number, connection.out);
  ++busy_;
  ++tally_.sent;
  flush(connection);
}

void Worker::flush(Connection& connection) {
  while (connection.sent < connection.out.size()) {
    const auto count = ::send(connection.fd, connection.out.data() + connection.sent,
                              connection.out.size() - connection.sent, MSG_NOSIGNAL);
    if (count < 0) return;  // Full: epoll tells when to go on. Broken: the hang-up event follows.
    connection.sent += static_cast<std::size_t>(count);
  }
}

void Worker::receive(std::size_t index) {
  Connection& connection = connections_[index];
  while (connection.state != State::closed) {
    if (connection.filled == connection.in.size()) connection.in.resize(connection.in.size() * 2);
    const std::size_t room = connection.in.size() - connection.filled;
    const auto count = ::recv(connection.fd, connection.in.data() + connection.filled, room, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return lose(index);
    connection.filled += static_cast<std::size_t>(count);
    const auto now = Clock::now();
    while (connection.state == State::busy && connection.filled > 0 && take_answer(index, now)) {
      if (connection.reader.answer().closes) return lose(index);
      connection.reader.reset();
      next_request(index, now);
    }
    if (static_cast<std::size_t>(count) < room)
      return;  // Nothing more for now; an event announces the next bytes.
  }
}

/// Answers whether one complete answer was counted.
bool Worker::take_answer(std::size_t index, Clock::time_point now) {
  Connection& connection = connections_[index];
  const Reading reading = connection.reader.read(std::string_view(connection.in.data(), connection.filled));
  if (reading == Reading::incomplete) return false;
  if (reading == Reading::broken) {
    ++tally_.broken_answers;
    --busy_;
    connection.state = State::idle;  // Its request is counted already.
    lose(index);
    return false;
  }
  const auto& answer = connection.reader.answer();
  const bool success = answer.status >= 200 && answer.status < 300;
  (success ? tally_.successes : tally_.refusals).add(now - connection.since);
  tally_.count(answer.status, success ? std::string_view() : problem_code(answer.body));
  connection.filled -= answer.bytes;
  if (connection.filled > 0)
    std::memmove(connection.in.data(), connection.in.data() + answer.bytes, connection.filled);
  last_answer_ = now;
  --busy_;
  connection.state = State::idle;
  return true;
}

void Worker::wait(Clock::time_point now, Clock::time_point until) {
  epoll_event events[256];
  const auto pause = std::max(Clock::duration::zero(), until - now);
  timespec limit{};
  limit.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(pause).count();
  limit.tv_nsec = (pause % std::chrono::seconds(1)).count();
  int count = ::epoll_pwait2(epoll_, events, std::size(events), &limit, nullptr);
  if (count < 0 && errno == ENOSYS)
    count = ::epoll_wait(epoll_, events, std::size(events),
                         static_cast<int>(pause / std::chrono::milliseconds(1)));
  for (int i = 0; i < count; ++i) {
    const auto index = static_cast<std::size_t>(events[i].data.u64);
    Connection& connection = connections_[index];
    if (connection.state == State::closed) continue;
    if (connection.state == State::connecting) {
      if ((events[i].events & (EPOLLERR | EPOLLHUP)) != 0)
        lose(index);
      else if ((events[i].events & EPOLLOUT) != 0)
        next_request(index, Clock::now());
      continue;
    }
    if (connection.state == State::busy && (events[i].events & EPOLLOUT) != 0) flush(connection);
    if ((events[i].events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) receive(index);
  }
}

void Worker::work() {
  const auto give_up = run_.plan.duration.count() == 0 ? Clock::time_point::max()
                                                       : run_.start + run_.plan.duration + run_.plan.drain;
  if (!open_loop()) {
    std::deque<std::size_t> first;
    first.swap(idle_);
    for (const std::size_t index : first) next_request(index, run_.start);
  }
  while (true) {
    const auto now = Clock::now();
    if (open_loop()) send_due(now);
    const bool more =
        open_loop() ? scheduled_left()
                    : may_send(now) && (run_.plan.requests == 0 || run_.next.load() < run_.plan.requests);
    if ((!more && busy_ == 0) || now >= give_up) break;
    reopen(now);
    auto until = std::min(now + std::chrono::milliseconds(100), give_up);
    if (open_loop() && more && !idle_.empty()) until = std::min(until, due());
    if (!closed_.empty()) until = std::min(until, reopen_at_);
    wait(now, until);
  }
  finish();
}

void Worker::finish() {
  tally_.unanswered = busy_;
  while (open_loop() && scheduled_left()) {
    ++tally_.unsent;
    ++scheduled_;
  }
  tally_.elapsed = std::max(Clock::duration::zero(), last_answer_ - run_.start);
}

}  // namespace market::apps::load
