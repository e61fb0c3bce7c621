#include "sale/command_sender.hpp"

#include <algorithm>

#include "domain/sale/decide.hpp"

namespace market::sale {

CommandId CommandSender::next_own() {
  if (own_from_ == 0) own_from_ = next_;
  return {session_.hi, session_.lo, next_++};
}

bool CommandSender::add(Command command, Done done, Instant now, wire::Term sent_in, Millis waited) {
  if (waiting_.size() >= settings_.waiting_max) return false;
  if (!command.id) command.id = {session_.hi, session_.lo, next_++};
  Waiting one;
  const auto number = command.id.number;
  one.command = std::move(command);
  one.done = std::move(done);
  one.since = now - waited;
  one.sent_at = now;
  one.sent_in = sent_in;
  waiting_.emplace(number, std::move(one));
  return true;
}

std::uint64_t CommandSender::floor() const {
  std::uint64_t lowest = waiting_.empty() ? next_ : waiting_.begin()->first;
  if (own_from_ != 0) lowest = std::min(lowest, own_from_);
  return lowest;
}

void CommandSender::finish(All::iterator one, Result<Submitted> answer) {
  finished_.push_back({std::move(one->second.done), std::move(answer)});
  waiting_.erase(one);
}

void CommandSender::opened(wire::Term term, std::string address) {
  if (term != term_)
    for (auto& [number, one] : waiting_) one.answer.reset();
  term_ = term;
  address_ = std::move(address);
}

void CommandSender::followed(const CountedEvents& events, const Find& find) {
  followed_ = std::max(followed_, events->back().place);
  if (waiting_.empty()) return;
  for (const CountedEvent& counted : *events) {
    const CommandId& id = counted.event.command;
    if (id.session_hi != session_.hi || id.session_lo != session_.lo) continue;
    const auto one = waiting_.find(id.number);
    if (one == waiting_.end()) continue;
    if (const auto* refused = std::get_if<Refused>(&counted.event.fact)) {
      finish(one, fail(refusal_again(refused->code, "refused; no other copy of this request will be accepted",
                                     one->second.command, find)));
      continue;
    }
    Submitted submitted;
    submitted.event = {events, &counted};
    submitted.subject = subject_of(counted.event.fact);
    if (is_about_product(one->second.command))
      if (const SaleProduct* product = find(submitted.product())) submitted.stock = product->stock;
    finish(one, std::move(submitted));
  }
  finish_answered();
}

void CommandSender::finish_answered() {
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    const auto one = next++;
    Waiting& waiting = one->second;
    if (!waiting.answer || waiting.through > followed_) continue;
    wire::CommandAnswer& said = *waiting.answer;
    if (said.refused) {
      finish(one, fail(std::move(*said.refused)));
      continue;
    }
    Submitted submitted;
    submitted.subject = said.subject;
    submitted.replayed = said.replayed;
    submitted.stock = said.stock;
    finish(one, std::move(submitted));
  }
}

void CommandSender::answered(const wire::AnswerMessage& message, Instant now) {
  if (message.session != session_ || message.term != term_) return;  // Of a writer that is none any more.
  for (const wire::CommandAnswer& answer : message.answers) {
    const auto found = waiting_.find(answer.number);
    if (found == waiting_.end() || found->second.sent_in != message.term) continue;
    Waiting& one = found->second;
    if (answer.not_taken) {
      one.sent_at = now - settings_.resend_after + settings_.retry_after;
      continue;
    }
    one.answer = answer;
    one.through = message.through;
  }
  finish_answered();
}

void CommandSender::expire(Instant now) {
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    const auto one = next++;
    if (now - one->second.since < settings_.answer_time_max) continue;
    if (one->second.sent_in == 0)
      finish(one, fail(Code::recovering, "nobody writes the event log; nothing happened"));
    else
      finish(one, fail(Code::unavailable, "whether this happened is not known yet"));
  }
}

void CommandSender::refuse_unsent(const Error& why) {
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    const auto one = next++;
    if (one->second.sent_in == 0) finish(one, fail(why));
  }
}

std::optional<wire::CommandMessage> CommandSender::message(Instant now) {
  if (term_ == 0 || address_.empty()) return std::nullopt;
  wire::CommandMessage message{term_, session_, floor(), {}};
  std::size_t bytes = 0;
  for (auto& [number, one] : waiting_) {
    const bool due = one.sent_in != term_ || (!one.answer && now - one.sent_at >= settings_.resend_after);
    if (!due) continue;
    bytes += wire::command_bytes(one.command) + 10;
    if (!message.commands.empty() && bytes > wire::message_bytes_max) break;
    one.sent_in = term_;
    one.sent_at = now;
    message.commands.push_back(one.command);
    if (message.commands.size() == wire::message_commands_max) break;
  }
  if (message.commands.empty()) return std::nullopt;
  return message;
}

}  // namespace market::sale
