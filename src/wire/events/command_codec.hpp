#pragma once
/// What instances say to each other through the internal door: commands to the writer, and its answers to
/// those that made no event (an event is read from the log). docs/decisions/0034-commands-to-the-writer.md
///
///   commands:  1 · term · session · floor · count · (number · command)…
///   answers:   2 · term · session · through · count · (number · answer)…

#include <optional>
#include <vector>

#include "domain/sale/command.hpp"
#include "wire/events/record_codec.hpp"

namespace market::wire {

/// The 128 random bits of a process's start.
struct CommandSession {
  std::uint64_t hi = 0, lo = 0;
  friend auto operator<=>(const CommandSession&, const CommandSession&) = default;
};

inline constexpr std::size_t command_bytes_max = 56 << 10;  ///< Its event fits a group beside others.
inline constexpr std::size_t message_commands_max = 1'024;
inline constexpr std::size_t message_bytes_max = 256 << 10;

struct CommandMessage {
  Term term = 0;  ///< For whose writer it is meant.
  CommandSession session;
  std::uint64_t floor = 1;        ///< The sender waits for no number below it.
  std::vector<Command> commands;  ///< Each with its id, rising.
};

struct CommandAnswer {
  std::uint64_t number = 0;
  bool not_taken = false;  ///< Nothing happened, nor will: the term is not the one that is written in.
  std::optional<Error> refused;
  bool replayed = false;
  std::int64_t subject = 0;
  std::optional<ProductStock> stock;
};
struct AnswerMessage {
  Term term = 0;
  CommandSession session;
  Place through = 0;  ///< The answers may rest on what the log holds up to here.
  std::vector<CommandAnswer> answers;
};

std::string encode_message(const CommandMessage& message);
std::string encode_message(const AnswerMessage& message);
/// The bytes that a command takes in a message, at most.
std::size_t command_bytes(const Command& command);

using DoorMessage = std::variant<CommandMessage, AnswerMessage>;
/// Errors: internal: damaged, too large, or a command that no sender may send (the sequencer's own).
Result<DoorMessage> decode_message(std::string_view bytes);

}  // namespace market::wire
