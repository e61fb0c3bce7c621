#pragma once
/// The writer's half of commands from other instances: each (session, number) is decided once in a term,
/// however often it comes; the answer that made no event is given again. No thread, clock or socket.

#include <map>

#include "wire/events/command_codec.hpp"

namespace market::sale {

class CommandDesk {
 public:
  static constexpr std::size_t sessions_max = 4'096;   ///< Process starts within one term.
  static constexpr std::size_t numbers_max = 131'072;  ///< That one session waits for.

  /// Everything of the term before is forgotten: its commands are read from the log, or come again.
  void begin(wire::Term term);
  wire::Term term() const { return term_; }

  struct Taken {
    std::vector<Command> fresh;              ///< To be decided.
    std::vector<wire::CommandAnswer> known;  ///< To be given again.
  };
  /// Of a message for this term. What lies below the floor is dropped.
  Taken take(wire::CommandMessage message);
  /// What became of a fresh one that made no event; the others the sender reads from the log.
  void decided(wire::Term term, const CommandId& id, const wire::CommandAnswer& answer);

 private:
  struct Session {
    std::uint64_t floor = 1, used = 0;
    std::map<std::uint64_t, std::optional<wire::CommandAnswer>> numbers;
  };
  Session& session_of(const wire::CommandSession& session);

  wire::Term term_ = 0;
  std::uint64_t uses_ = 0;
  std::map<wire::CommandSession, Session> sessions_;
};

}  // namespace market::sale
