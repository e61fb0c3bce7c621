#include "sale/command_desk.hpp"

#include <algorithm>

namespace market::sale {

void CommandDesk::begin(wire::Term term) {
  term_ = term;
  sessions_.clear();
}

/// The one that was silent for longest makes room: its process has ended long ago.
CommandDesk::Session& CommandDesk::session_of(const wire::CommandSession& session) {
  if (sessions_.size() >= sessions_max && !sessions_.contains(session))
    sessions_.erase(std::min_element(sessions_.begin(), sessions_.end(), [](const auto& a, const auto& b) {
      return a.second.used < b.second.used;
    }));
  Session& found = sessions_[session];
  found.used = ++uses_;
  return found;
}

CommandDesk::Taken CommandDesk::take(wire::CommandMessage message) {
  Taken taken;
  Session& session = session_of(message.session);
  session.floor = std::max(session.floor, message.floor);
  session.numbers.erase(session.numbers.begin(), session.numbers.lower_bound(session.floor));
  for (Command& command : message.commands) {
    const auto number = command.id.number;
    if (number < session.floor) continue;
    const auto known = session.numbers.find(number);
    if (known == session.numbers.end()) {
      if (session.numbers.size() >= numbers_max) break;  // They come again.
      session.numbers.emplace(number, std::nullopt);
      taken.fresh.push_back(std::move(command));
    } else if (known->second) {
      taken.known.push_back(*known->second);
    }
  }
  return taken;
}

void CommandDesk::decided(wire::Term term, const CommandId& id, const wire::CommandAnswer& answer) {
  if (term != term_) return;
  const auto session = sessions_.find({id.session_hi, id.session_lo});
  if (session == sessions_.end()) return;
  const auto number = session->second.numbers.find(id.number);
  if (number != session->second.numbers.end()) number->second = answer;
}

}  // namespace market::sale
