#include "wire/events/command_codec.hpp"

#include "wire/events/event_codec.hpp"

namespace market::wire {
namespace {

enum Kind : std::uint8_t { commands_kind = 1, answers_kind = 2 };

constexpr unsigned has_key = 1, has_copy = 2;
constexpr unsigned not_taken = 1, refused = 2, replayed = 4, has_stock = 8;
constexpr std::size_t answer_text_length = 2'000;

template <class Tag>
void put(ByteWriter& out, Id<Tag> id) {
  out.fixed64(static_cast<std::uint64_t>(id.value));
}
template <class Kind>
void get(ByteReader& in, Kind& id) {
  id.value = static_cast<std::int64_t>(in.fixed64());
}
template <class Enum>
void get_enum(ByteReader& in, Enum& value, Enum last) {
  const std::uint8_t number = in.byte();
  if (number > static_cast<std::uint8_t>(last)) return in.refuse();
  value = static_cast<Enum>(number);
}

// ---- Bodies ----

void encode(ByteWriter& out, const ListProduct& body) {
  encode_terms(out, body.terms);
  encode_texts(out, body.texts);
  out.integer(body.stock);
}
void decode(ByteReader& in, ListProduct& body) {
  body.terms = decode_terms(in);
  body.texts = decode_texts(in);
  body.stock = in.integer();
}
void encode(ByteWriter& out, const ChangeProduct& body) {
  put(out, body.product);
  out.integer(body.based_on);
  encode_terms(out, body.terms);
  encode_texts(out, body.texts);
}
void decode(ByteReader& in, ChangeProduct& body) {
  get(in, body.product);
  body.based_on = in.integer();
  body.terms = decode_terms(in);
  body.texts = decode_texts(in);
}
void encode(ByteWriter& out, const AdjustStock& body) {
  put(out, body.product);
  out.integer(body.delta);
  out.text(body.reason);
}
void decode(ByteReader& in, AdjustStock& body) {
  get(in, body.product);
  body.delta = in.integer();
  body.reason = in.text();
}
void encode(ByteWriter& out, const PlaceOrder& body) {
  put(out, body.user);
  out.integer(body.payment_window.count());
  out.unsigned_integer(body.lines.size());
  for (const WantedLine& line : body.lines) {
    put(out, line.product);
    out.integer(line.quantity);
  }
}
void decode(ByteReader& in, PlaceOrder& body) {
  get(in, body.user);
  // A window that no clock can carry would make a time that is none.
  constexpr std::int64_t longest = 366LL * 24 * 3'600'000;
  const std::int64_t window = in.integer();
  if (window < 0 || window > longest) return in.refuse();
  body.payment_window = Millis(window);
  const std::size_t lines = in.count(9);
  for (std::size_t i = 0; i < lines && !in.broken(); ++i) {
    WantedLine line;
    get(in, line.product);
    const std::int64_t quantity = in.integer();
    if (quantity < INT32_MIN || quantity > INT32_MAX) return in.refuse();
    line.quantity = static_cast<std::int32_t>(quantity);
    body.lines.push_back(line);
  }
}
void encode(ByteWriter& out, const StartPayment& body) {
  put(out, body.order);
  put(out, body.user);
}
void decode(ByteReader& in, StartPayment& body) {
  get(in, body.order);
  get(in, body.user);
}
void encode(ByteWriter& out, const SettlePayment& body) {
  put(out, body.order);
  put(out, body.attempt);
  out.byte(static_cast<std::uint8_t>(body.outcome));
}
void decode(ByteReader& in, SettlePayment& body) {
  get(in, body.order);
  get(in, body.attempt);
  get_enum(in, body.outcome, PaymentOutcome::refunded);
}
void encode(ByteWriter& out, const CancelOrder& body) {
  put(out, body.order);
  put(out, body.user);
  out.byte(body.by_operator);
}
void decode(ByteReader& in, CancelOrder& body) {
  get(in, body.order);
  get(in, body.user);
  body.by_operator = in.byte() != 0;
}
void encode(ByteWriter& out, const MoveOrder& body) {
  put(out, body.order);
  put(out, body.user);
  out.byte(static_cast<std::uint8_t>(body.state));
  out.text(body.reason);
}
void decode(ByteReader& in, MoveOrder& body) {
  get(in, body.order);
  get(in, body.user);
  get_enum(in, body.state, OrderState::cancelled);
  body.reason = in.text();
}
void encode(ByteWriter& out, const RefundOrder& body) {
  put(out, body.order);
}
void decode(ByteReader& in, RefundOrder& body) {
  get(in, body.order);
}
// The sequencer's own: nobody sends them.
void encode(ByteWriter&, const ExpireOrder&) {}
void decode(ByteReader& in, ExpireOrder&) {
  in.refuse();
}
void encode(ByteWriter&, const GrantGrace&) {}
void decode(ByteReader& in, GrantGrace&) {
  in.refuse();
}

template <std::size_t index = 0>
Command::Body empty_body(std::size_t kind) {
  if constexpr (index < std::variant_size_v<Command::Body>)
    return kind == index ? Command::Body(std::in_place_index<index>) : empty_body<index + 1>(kind);
  else
    return Command::Body(ExpireOrder{});  // Which is refused.
}

// ---- Commands and answers ----

void encode_command(ByteWriter& out, const Command& command) {
  WrittenKey written{command.key, command.fingerprint};
  const auto* settled = std::get_if<SettlePayment>(&command.body);
  if (settled != nullptr && settled->outcome == PaymentOutcome::declined)
    written = written_key(written, settled->attempt, settled->back_to);
  out.byte(static_cast<std::uint8_t>(command.body.index()));
  out.byte(static_cast<std::uint8_t>((written.key ? has_key : 0) | (command.copy.number ? has_copy : 0)));
  if (written.key) {
    out.fixed64(written.key.hi);
    out.fixed64(written.key.lo);
    out.fixed64(written.fingerprint);
  }
  if (command.copy.number) {
    out.fixed64(command.copy.request.hi);
    out.fixed64(command.copy.request.lo);
    out.unsigned_integer(command.copy.number);
  }
  std::visit([&out](const auto& body) { encode(out, body); }, command.body);
}

void decode_command(ByteReader& in, Command& command) {
  const std::size_t before = in.left();
  command.body = empty_body(in.byte());
  const unsigned flags = in.byte();
  if ((flags & ~(has_key | has_copy)) != 0) return in.refuse();
  if (flags & has_key) {
    command.key.hi = in.fixed64();
    command.key.lo = in.fixed64();
    command.fingerprint = in.fixed64();
    if (!command.key) return in.refuse();
  }
  if (flags & has_copy) {
    command.copy.request.hi = in.fixed64();
    command.copy.request.lo = in.fixed64();
    const auto number = in.unsigned_integer();
    if (number == 0 || number > UINT32_MAX) return in.refuse();
    command.copy.number = static_cast<std::uint32_t>(number);
  }
  std::visit([&in](auto& body) { decode(in, body); }, command.body);
  auto* const settled = std::get_if<SettlePayment>(&command.body);
  if (settled != nullptr && settled->outcome == PaymentOutcome::declined)
    settled->back_to = take_back_to(settled->attempt, command.key, command.fingerprint);
  if (!in.broken() && before - in.left() > command_bytes_max) in.refuse();
}

void encode_error(ByteWriter& out, const Error& error) {
  out.byte(static_cast<std::uint8_t>(error.code));
  out.text(std::string_view(error.detail).substr(0, answer_text_length));
  const ErrorExtras none;
  const ErrorExtras& extras = error.extras ? *error.extras : none;
  out.text(extras.opens_at);
  out.integer(extras.retry_after_seconds);
  out.unsigned_integer(extras.fields.size());
  for (const FieldError& field : extras.fields) {
    out.text(field.field);
    out.text(field.code);
    out.text(field.detail);
  }
}

Error decode_error(ByteReader& in) {
  Error error(Code::internal, {});
  get_enum(in, error.code, last_code);
  error.detail = in.text();
  ErrorExtras extras;
  extras.opens_at = in.text();
  extras.retry_after_seconds = static_cast<int>(in.integer());
  const std::size_t fields = in.count(3);
  for (std::size_t i = 0; i < fields && !in.broken(); ++i) {
    FieldError& field = extras.fields.emplace_back();
    field.field = in.text();
    field.code = in.text();
    field.detail = in.text();
  }
  if (!extras.opens_at.empty() || extras.retry_after_seconds != 0 || !extras.fields.empty())
    error.extras = std::make_shared<const ErrorExtras>(std::move(extras));
  return error;
}

void encode_answer(ByteWriter& out, const CommandAnswer& answer) {
  out.unsigned_integer(answer.number);
  out.byte(static_cast<std::uint8_t>((answer.not_taken ? not_taken : 0) | (answer.refused ? refused : 0) |
                                     (answer.replayed ? replayed : 0) | (answer.stock ? has_stock : 0)));
  if (answer.refused) encode_error(out, *answer.refused);
  out.fixed64(static_cast<std::uint64_t>(answer.subject));
  if (!answer.stock) return;
  out.integer(answer.stock->capacity);
  out.integer(answer.stock->remaining);
  out.integer(answer.stock->next_ticket);
}

void decode_answer(ByteReader& in, CommandAnswer& answer) {
  answer.number = in.unsigned_integer();
  const unsigned flags = in.byte();
  if (flags > 15) return in.refuse();
  answer.not_taken = flags & not_taken;
  answer.replayed = flags & replayed;
  if (flags & refused) answer.refused = decode_error(in);
  answer.subject = static_cast<std::int64_t>(in.fixed64());
  if ((flags & has_stock) == 0) return;
  answer.stock.emplace();
  answer.stock->capacity = in.integer();
  answer.stock->remaining = in.integer();
  answer.stock->next_ticket = in.integer();
}

void begin(ByteWriter& out, Kind kind, Term term, const CommandSession& session) {
  out.byte(kind);
  out.fixed64(term);
  out.fixed64(session.hi);
  out.fixed64(session.lo);
}

CommandMessage decode_commands(ByteReader& in, Term term, CommandSession session) {
  CommandMessage message{term, session, in.unsigned_integer(), {}};
  const std::size_t count = in.count(3);
  if (count > message_commands_max) in.refuse();
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < count && !in.broken(); ++i) {
    Command& command = message.commands.emplace_back();
    command.id = {session.hi, session.lo, in.unsigned_integer()};
    if (command.id.number <= last) in.refuse();  // Rising, and never 0.
    last = command.id.number;
    decode_command(in, command);
  }
  return message;
}

AnswerMessage decode_answers(ByteReader& in, Term term, CommandSession session) {
  AnswerMessage message{term, session, in.integer(), {}};
  const std::size_t count = in.count(10);
  if (count > message_commands_max) in.refuse();
  for (std::size_t i = 0; i < count && !in.broken(); ++i) decode_answer(in, message.answers.emplace_back());
  return message;
}

}  // namespace

std::string encode_message(const CommandMessage& message) {
  std::string bytes;
  ByteWriter out(bytes);
  begin(out, commands_kind, message.term, message.session);
  out.unsigned_integer(message.floor);
  out.unsigned_integer(message.commands.size());
  for (const Command& command : message.commands) {
    out.unsigned_integer(command.id.number);
    encode_command(out, command);
  }
  return bytes;
}

std::string encode_message(const AnswerMessage& message) {
  std::string bytes;
  ByteWriter out(bytes);
  begin(out, answers_kind, message.term, message.session);
  out.integer(message.through);
  out.unsigned_integer(message.answers.size());
  for (const CommandAnswer& answer : message.answers) encode_answer(out, answer);
  return bytes;
}

std::size_t command_bytes(const Command& command) {
  std::string bytes;
  ByteWriter out(bytes);
  encode_command(out, command);
  return bytes.size();
}

Result<DoorMessage> decode_message(std::string_view bytes) {
  const auto damaged = [] { return fail(Code::internal, "no message of another instance, or damaged"); };
  if (bytes.size() > message_bytes_max + command_bytes_max) return damaged();
  ByteReader in(bytes);
  const std::uint8_t kind = in.byte();
  const Term term = in.fixed64();
  CommandSession session;
  session.hi = in.fixed64();
  session.lo = in.fixed64();
  std::optional<DoorMessage> message;
  if (kind == commands_kind) message = decode_commands(in, term, session);
  if (kind == answers_kind) message = decode_answers(in, term, session);
  if (!message || in.broken() || !in.at_end()) return damaged();
  return std::move(*message);
}

}  // namespace market::wire
