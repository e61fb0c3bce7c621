#pragma once
/// The sender's half of commands to the writer: what waits here until the log, or the writer, says what
/// became of it. Each command is (session, number); the number stays the same however often it is sent.
/// docs/decisions/0034-commands-to-the-writer.md says why this decides each command once. No thread, clock or
/// socket.
///
///   add(command, done, now); message(now) → to the writer's address
///   followed(events), opened(term, address): what the log says; answered(message): what the writer says
///   take_finished(): whose answers are due
///
/// A command counts as decided when its event is followed. When the next Open is followed without it, it
/// never will count, and goes to the new writer.

#include <functional>
#include <map>

#include "ports/sale_gate.hpp"
#include "wire/events/command_codec.hpp"

namespace market::sale {

struct SenderSettings {
  Millis resend_after{300};
  Millis retry_after{40};         ///< When the writer has not read its own Open back yet.
  Millis answer_time_max{5'000};  ///< Then the outcome is unknown to the buyer.
  std::size_t waiting_max = 65'536;
};

class CommandSender {
 public:
  using Done = std::function<void(Result<Submitted>)>;
  using Find = std::function<const SaleProduct*(ProductId)>;  ///< Null: there is no such product.
  struct Finished {
    Done done;
    Result<Submitted> answer;
  };

  CommandSender(SenderSettings settings, wire::CommandSession session)
      : settings_(settings), session_(session) {}

  /// The id of a command that this instance decides itself, as the writer. Until release_own(), no message
  /// says that nobody waits for it.
  CommandId next_own();
  void release_own() { own_from_ = 0; }

  /// `sent_in`: the term in which it may have been decided already; 0: it was not sent. `waited`: for so long
  /// elsewhere. False: too many wait.
  bool add(Command command, Done done, Instant now, wire::Term sent_in = 0, Millis waited = Millis(0));

  /// The log's newest Open. `address`: of its writer; empty: it has none, or none is known.
  void opened(wire::Term term, std::string address);
  /// Groups that count, in order.
  void followed(const CountedEvents& events, const Find& find);
  void answered(const wire::AnswerMessage& message, Instant now);
  /// Those that have waited too long are finished.
  void expire(Instant now);
  /// Those that nobody else has: while nothing can be written, their buyers need not wait.
  void refuse_unsent(const Error& why);

  /// What is to be sent now, a part of it at a time; none: nothing.
  std::optional<wire::CommandMessage> message(Instant now);
  const std::string& address() const { return address_; }
  wire::Term term() const { return term_; }

  std::vector<Finished> take_finished() { return std::exchange(finished_, {}); }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiting {
    Command command;
    Done done;
    Instant since{}, sent_at{};
    wire::Term sent_in = 0;
    std::optional<wire::CommandAnswer> answer;  ///< Until the log is followed through the place it rests on.
    Place through = 0;
  };
  using All = std::map<std::uint64_t, Waiting>;

  std::uint64_t floor() const;
  void finish(All::iterator one, Result<Submitted> answer);
  void finish_answered();

  const SenderSettings settings_;
  const wire::CommandSession session_;
  All waiting_;
  std::uint64_t next_ = 1, own_from_ = 0;
  wire::Term term_ = 0;
  std::string address_;
  Place followed_ = 0;
  std::vector<Finished> finished_;
};

}  // namespace market::sale
