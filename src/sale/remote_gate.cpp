#include "sale/remote_gate.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>

namespace market::sale {
namespace {

/// Says nothing about the command: its sender waits for the log's word. `unavailable` is an answer: what must
/// be known of its order or key could not be looked up, so nothing of it comes into the log.
bool is_no_answer(Code code) {
  return code == Code::recovering;
}

}  // namespace

void RemoteGate::start() {
  link_.start(
      [this](std::string bytes, const CommandLink::Reply& reply) { on_commands(std::move(bytes), reply); },
      [this](const std::string& bytes) { on_answers(bytes); });
}

void RemoteGate::close_desk() {
  if (!desk_closed_.exchange(true)) tasks_.wait(Millis(5'000));
}

void RemoteGate::stop() {
  close_desk();
  if (stopped_.exchange(true)) return;
  link_.stop();
  change_sender([this] { sender_.expire(Instant(Millis(std::int64_t{1} << 52))); });
}

// ---- The sender ----

Task<Submitted> RemoteGate::submit(Command command) {
  const auto executor = co_await asio::this_coro::executor;
  auto answer = std::make_shared<Result<Submitted>>(fail(Code::internal, "no answer"));
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [&](auto handler) {
        auto waiting = std::make_shared<decltype(handler)>(std::move(handler));
        adopt(std::move(command), 0, Millis(0), [waiting, answer, executor](Result<Submitted> said) {
          *answer = std::move(said);
          asio::post(executor, [waiting] { std::move (*waiting)(); });
        });
      },
      asio::use_awaitable);
  co_return std::move(*answer);
}

void RemoteGate::adopt(Command command, wire::Term sent_in, Millis waited, CommandSender::Done done) {
  // Of one that was sent before nobody may say that it did not happen.
  const auto refuse = [&](Code code, const char* why) {
    if (sent_in != 0) return done(fail(Code::unavailable, "whether this happened is not known yet"));
    done(fail(code, why));
  };
  if (wire::command_bytes(command) > wire::command_bytes_max)
    return refuse(Code::payload_too_large, "this is too much for one change");
  bool taken = false;
  if (!stopped_.load()) {
    const std::scoped_lock lock(mutex_);
    auto waits = done;
    taken = sender_.add(std::move(command), std::move(waits), clock_.now(), sent_in, waited);
  }
  if (!taken) return refuse(Code::overloaded, "too many orders are waiting");
  schedule();
}

/// Many that come at once leave in one message.
void RemoteGate::schedule() {
  if (scheduled_.exchange(true)) return;
  asio::post(link_.executor(), [this] {
    scheduled_.store(false);
    flush();
  });
}

void RemoteGate::flush() {
  while (true) {
    std::optional<wire::CommandMessage> message;
    std::string address;
    {
      const std::scoped_lock lock(mutex_);
      message = sender_.message(clock_.now());
      address = sender_.address();
    }
    if (!message) return;
    link_.send(address, wire::encode_message(*message));
  }
}

template <class Change>
void RemoteGate::change_sender(const Change& change) {
  std::vector<CommandSender::Finished> finished;
  {
    const std::scoped_lock lock(mutex_);
    change();
    finished = sender_.take_finished();
  }
  for (auto& each : finished) each.done(std::move(each.answer));
}

CommandId RemoteGate::next_own() {
  const std::scoped_lock lock(mutex_);
  return sender_.next_own();
}

void RemoteGate::release_own() {
  const std::scoped_lock lock(mutex_);
  sender_.release_own();
}

void RemoteGate::followed(const CountedEvents& events, const CommandSender::Find& find) {
  change_sender([&] { sender_.followed(events, find); });
}

void RemoteGate::opened(wire::Term term, const std::string& address) {
  {
    const std::scoped_lock lock(mutex_);
    sender_.opened(term, address);
  }
  schedule();
}

void RemoteGate::tick() {
  bool waits = false;
  change_sender([&] {
    sender_.expire(clock_.now());
    waits = sender_.waiting() > 0;
  });
  if (waits) schedule();
}

void RemoteGate::refuse_unsent(const Error& why) {
  change_sender([&] { sender_.refuse_unsent(why); });
}

void RemoteGate::on_answers(const std::string& bytes) {
  auto message = wire::decode_message(bytes);
  const auto* answers = message ? std::get_if<wire::AnswerMessage>(&*message) : nullptr;
  if (answers == nullptr) {
    spdlog::warn("the writer's answer cannot be read");
    return;
  }
  change_sender([&] { sender_.answered(*answers, clock_.now()); });
}

std::size_t RemoteGate::waiting() const {
  const std::scoped_lock lock(mutex_);
  return sender_.waiting();
}

// ---- The writer ----

void RemoteGate::writes(wire::Term term, Place place) {
  counted(place);
  const std::scoped_lock lock(desk_mutex_);
  desk_.begin(term);
}

void RemoteGate::on_commands(std::string bytes, const CommandLink::Reply& reply) {
  auto message = wire::decode_message(bytes);
  auto* commands = message ? std::get_if<wire::CommandMessage>(&*message) : nullptr;
  if (commands == nullptr) {
    spdlog::warn("a message of another instance cannot be read");
    return;
  }
  wire::AnswerMessage answers{commands->term, commands->session, 0, {}};
  CommandDesk::Taken taken;
  {
    const std::scoped_lock lock(desk_mutex_);
    if (desk_closed_.load() || commands->term == 0 || desk_.term() != commands->term) {
      for (const Command& command : commands->commands) {
        wire::CommandAnswer& answer = answers.answers.emplace_back();
        answer.number = command.id.number;
        answer.not_taken = true;
      }
    } else {
      taken = desk_.take(std::move(*commands));
    }
  }
  for (wire::CommandAnswer& known : taken.known) answers.answers.push_back(std::move(known));
  answers.through = place_.load(std::memory_order_acquire);
  if (!answers.answers.empty()) reply(wire::encode_message(answers));
  for (Command& command : taken.fresh)
    tasks_.spawn(link_.executor(), decide_one(std::move(command), answers.term, reply));
}

asio::awaitable<void> RemoteGate::decide_one(Command command, wire::Term term, CommandLink::Reply reply) {
  const CommandId id = command.id;
  const auto submitted = co_await decide_(std::move(command), term);
  if (!submitted && is_no_answer(submitted.error().code)) co_return;
  if (submitted && submitted->event) co_return;  // The log tells.
  wire::CommandAnswer answer;
  answer.number = id.number;
  if (submitted) {
    answer.replayed = submitted->replayed;
    answer.subject = submitted->subject;
    answer.stock = submitted->stock;
  } else {
    answer.refused = submitted.error();
  }
  wire::AnswerMessage message{
      term, {id.session_hi, id.session_lo}, place_.load(std::memory_order_acquire), {}};
  {
    const std::scoped_lock lock(desk_mutex_);
    desk_.decided(term, id, answer);
  }
  message.answers.push_back(std::move(answer));
  reply(wire::encode_message(message));
}

}  // namespace market::sale
