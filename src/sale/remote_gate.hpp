#pragma once
/// Commands between the instances of one log: a gate that does not write sends its commands to the one that
/// does, and answers for them; a gate that writes decides those of others. CommandSender and CommandDesk with
/// a lock around them and a link below.
///
///   not the writer:  submit() → link → the writer's gate → log → followed() → answer
///   the writer:      link → on_commands() → submit_for(command, term) → answer to those that made no event

#include <atomic>
#include <mutex>

#include "base/task_group.hpp"
#include "ports/command_link.hpp"
#include "sale/command_desk.hpp"
#include "sale/command_sender.hpp"

namespace market::sale {

class RemoteGate {
 public:
  /// Decides a command of another instance, if this one writes in that term.
  using Decide = std::function<Task<Submitted>(Command, wire::Term)>;

  RemoteGate(CommandLink& link, const Clock& clock, SenderSettings settings, wire::CommandSession session,
             Decide decide)
      : link_(link), clock_(clock), sender_(settings, session), decide_(std::move(decide)) {}
  ~RemoteGate() { stop(); }
  void start();
  /// No more commands of others; waits for those under way, while the gate still decides.
  void close_desk();
  void stop();

  /// To whoever writes. Errors: as SaleGate::submit().
  Task<Submitted> submit(Command command);

  // The gate's thread:
  /// For a command that this gate decides itself.
  CommandId next_own();
  void release_own();
  /// One of its own queue that it cannot decide, or whose group may have counted in `sent_in`.
  /// `waited`: for so long already.
  void adopt(Command command, wire::Term sent_in, Millis waited, CommandSender::Done done);
  void followed(const CountedEvents& events, const CommandSender::Find& find);
  void opened(wire::Term term, const std::string& address);
  /// Sends again what is due, ends what has waited too long. Often; any thread.
  void tick();
  /// What was not sent to anybody. Any thread.
  void refuse_unsent(const Error& why);
  /// This gate writes in `term` from now on; 0: it does not write.
  void writes(wire::Term term, Place place);
  void counted(Place place) { place_.store(place, std::memory_order_release); }

  std::size_t waiting() const;
  std::string address() const { return link_.address(); }

 private:
  /// Whoever has an answer then hears it.
  template <class Change>
  void change_sender(const Change& change);
  void schedule();
  void flush();
  void on_commands(std::string bytes, const CommandLink::Reply& reply);
  asio::awaitable<void> decide_one(Command command, wire::Term term, CommandLink::Reply reply);
  void on_answers(const std::string& bytes);

  CommandLink& link_;
  const Clock& clock_;
  mutable std::mutex mutex_;  ///< Of the sender.
  CommandSender sender_;
  std::atomic<bool> scheduled_{false};
  std::atomic<bool> desk_closed_{false}, stopped_{false};

  Decide decide_;
  std::mutex desk_mutex_;
  CommandDesk desk_;
  std::atomic<Place> place_{0};  ///< The last place that this writer has answered by.
  TaskGroup tasks_{"a command of another instance"};
};

}  // namespace market::sale
