#include "tests/sim/sale.hpp"

namespace market::sim {

namespace {

/// In most sales each fault's probability is drawn, up to `most`, and is 0 in about half of them ("swarm").
/// `lagging`: slow tails, duplicates and changes of writer, and little else: writers that do not know that
/// they are none. `slow_way`: the same, of records that all are long on their way.
constexpr struct {
  double Faults::*fault;
  double most, lagging, slow_way;
} fault_table[] = {
    {&Faults::request_lost, 0.1, 0, 0},
    {&Faults::request_late, 0.15, 0, 0},
    {&Faults::answer_lost, 0.15, 0, 0},
    {&Faults::sent_twice, 0.1, 0, 0},
    {&Faults::append_lost, 0.15, 0, 0},
    {&Faults::append_late, 0.25, 0.1, 0.1},
    {&Faults::append_twice, 0.25, 0.6, 1},
    {&Faults::leader_change, 0.2, 0, 0},
    {&Faults::raw_producer, 0.4, 0, 0},
    {&Faults::sync_in_doubt, 0.04, 0, 0},
    {&Faults::sync_slow, 0.03, 0, 0},
    {&Faults::disk_full, 0.03, 0, 0},
    {&Faults::reopen_fails, 0.5, 0, 0},
    {&Faults::pause, 0.3, 0.1, 0},
    {&Faults::crash, 0.25, 0, 0},
    {&Faults::lag, 0.08, 0.4, 0},
    {&Faults::spurious_open, 0.05, 0.08, 0.08},
    {&Faults::cut_off, 0.15, 0.1, 0},
    {&Faults::slow_way, 0.3, 0, 0.7},
    {&Faults::records_away, 0.2, 0, 0},
    {&Faults::records_slow, 0.3, 0, 0},
    {&Faults::records_deadlock, 0.3, 0, 0},
    {&Faults::commit_in_doubt, 0.1, 0, 0},
    {&Faults::redis_away, 0.2, 0, 0},
    {&Faults::redis_slow, 0.3, 0.1, 0.1},
    {&Faults::redis_answer_lost, 0.2, 0, 0},
    {&Faults::redis_loses, 0.2, 0, 0},
    {&Faults::wall_step, 0.3, 0, 0},
    {&Faults::snapshot, 0.3, 0.1, 0.1},
    {&Faults::provider_lost, 0.3, 0, 0},
    {&Faults::provider_late, 0.3, 0, 0},
};

Faults drawn_faults(Random& random) {
  Faults faults;
  for (const auto& row : fault_table)
    if (!random.chance(0.45))
      faults.*row.fault = row.most * static_cast<double>(random.between(1, 1'000)) / 1'000.0;
  return faults;
}

Faults lagging_faults() {
  Faults faults;
  for (const auto& row : fault_table) faults.*row.fault = row.lagging;
  return faults;
}

Faults slow_way_faults() {
  Faults faults;
  for (const auto& row : fault_table) faults.*row.fault = row.slow_way;
  faults.keyed = 0.1;  // Buyers whose requests have no copies.
  return faults;
}

}  // namespace

WholeSale::WholeSale(std::uint64_t seed, Bug bug) : world_(seed, bug) {
  const bool lagging = world_.random.chance(0.2) || bug == Bug::deposed_refusal;
  const bool slow_way = world_.random.chance(0.1);
  world_.faults = slow_way ? slow_way_faults() : lagging ? lagging_faults() : drawn_faults(world_.random);
  shared_.settings.rules.attempt_bound = checker_.attempt_bound;
  shared_.settings.rules.return_window = checker_.return_window;
  shared_.settings.rules.copies_settled_for = Instance::answer_time_max + Millis(1'500);
  shared_.settings.group_events_max = static_cast<std::size_t>(world_.random.between(4, 24));
  log_.on_visible = [this](Offset offset, const std::string& record) {
    checker_.see(offset, record);
    for (const auto& instance : instances_) instance->notice();
  };
  const int count = world_.embedded ? 1 : static_cast<int>(world_.random.between(2, 3));
  for (int i = 0; i < count; ++i) instances_.push_back(std::make_unique<Instance>(shared_, i));
}

// ---- Asking ----

AskPtr WholeSale::ask(Command command, UserId user, bool keyed, std::function<void(const Answer&)> finally) {
  auto ask = std::make_shared<Ask>();
  if (keyed && !command.key) command.key = RequestKey{++keys_, mixed(world_.seed ^ keys_)};
  command.fingerprint = command.fingerprint ? command.fingerprint : 1;
  ask->command = std::move(command);
  ask->user = user;
  ask->request = RequestKey{++requests_, world_.seed};
  ask->finally = std::move(finally);
  ask->subject = expect_;
  asks_.push_back(ask);
  send(ask);
  return ask;
}

Instance& WholeSale::some_instance() {
  return *world_.random.pick(instances_);
}

Instance& WholeSale::likely_writer() {
  // Not knowing better, any of those that take themselves for the writer.
  for (int tries = world_.random.chance(0.1) ? 0 : 6; tries > 0; --tries)
    if (Instance& instance = some_instance(); instance.writes()) return instance;
  return some_instance();
}

void WholeSale::send(const AskPtr& ask) {
  if (ask->done) return;
  auto request = std::make_shared<Request>();
  request->ask = ask;
  request->command = ask->command;
  ++ask->copies;
  if (!world_.embedded) request->command.copy = RequestCopy{ask->request, ask->copies};
  request->answer = [this, ask, copy = ask->copies](const Answer& answer) { hear(ask, copy, answer); };
  checker_.sends(*request);
  if (!world_.strikes(world_.faults.request_lost)) deliver(ask, request);
  const bool twice = world_.embedded ? false : world_.strikes(world_.faults.sent_twice);
  // Nobody waits for ever. Alone, the server has answered or dropped it by then; else the next copy is sent.
  const Millis patience = world_.embedded ? Millis(3'000) : world_.millis(150, 900);
  world_.after(twice ? Millis(1) : patience, [this, ask, copy = ask->copies] {
    if (ask->done || copy != ask->copies) return;
    if (ask->command.key && ask->copies < 12)
      send(ask);
    else
      end(ask, Answer{});
  });
}

void WholeSale::deliver(const AskPtr& ask, RequestPtr request) {
  const bool late = !world_.embedded && world_.strikes(world_.faults.request_late);
  world_.after(world_.millis(0, late ? 1'500 : 3), [this, ask, request] {
    Instance& instance = likely_writer();
    if (instance.alive()) return instance.receive(request);
    if (world_.embedded) request->answer(Answer{});  // Refused by the system, at once.
  });
}

/// A gateway's part: a refusal ends the asking only if no later copy is under way.
void WholeSale::hear(const AskPtr& ask, std::uint32_t copy, const Answer& answer) {
  if (ask->done) return;
  const bool newest = copy == ask->copies;
  switch (answer.kind) {
    case Answer::Kind::event:
    case Answer::Kind::replayed:
    case Answer::Kind::unchanged:
      return end(ask, answer);
    case Answer::Kind::refused:
      if (newest) end(ask, answer);
      return;
    case Answer::Kind::unknown:
      if (!ask->command.key && newest) return end(ask, answer);
      break;
    case Answer::Kind::not_taken:
      break;
  }
  if (!newest) return;
  if (ask->copies >= 40) return end(ask, Answer{});
  world_.after(world_.millis(5, 60), [this, ask, copy] {
    if (!ask->done && copy == ask->copies) send(ask);
  });
}

void WholeSale::end(const AskPtr& ask, const Answer& answer) {
  ask->done = true;
  result_.refusals += answer.kind == Answer::Kind::refused;
  result_.replays += answer.kind == Answer::Kind::replayed;
  checker_.heard(*ask, answer);
  if (ask->finally) ask->finally(answer);
}

// ---- The nemesis ----

void WholeSale::nemesis_acts() {
  if (world_.calm) return;
  world_.after(world_.millis(30, 150), [this] { nemesis_acts(); });
  const Faults& faults = world_.faults;
  Instance& victim = some_instance();
  if (victim.alive() && !victim.paused() && world_.strikes(faults.crash)) {
    victim.kill();
    ++result_.crashes;
    world_.after(world_.millis(5, 500), [&victim] { victim.start(); });
  } else if (!world_.embedded && victim.alive() && !victim.paused() && world_.strikes(faults.pause)) {
    victim.pause(world_.millis(20, 900));
  }
  if (!world_.embedded && !victim.is_cut_off() && world_.strikes(faults.cut_off))
    victim.cut_off(world_.now() + world_.millis(50, 2'000));
  if (!world_.embedded && world_.strikes(faults.slow_way))
    victim.slow_down(world_.random.chance(0.5) ? Millis(0) : world_.millis(20, 800));
  if (!world_.embedded && world_.strikes(faults.leader_change)) log_.change_leader();
  if (!world_.embedded && world_.strikes(faults.raw_producer)) raw_producer_acts();
  if (world_.strikes(faults.records_away)) records_.go_away(world_.now() + world_.millis(10, 600));
  if (world_.strikes(faults.redis_away)) redis_.go_away(world_.now() + world_.millis(10, 800));
  if (world_.strikes(faults.redis_loses)) world_.random.chance(0.5) ? redis_.flush() : redis_.fail_over();
  if (world_.strikes(faults.wall_step))
    some_instance().step_wall(std::chrono::hours(world_.random.chance(0.5) ? 1 : -1));
}

/// Somebody writes a group that was written before: once more, behind a hole, or under a term that is over.
void WholeSale::raw_producer_acts() {
  if (log_.end() <= 2) return;
  const Offset last = log_.end() - 1;
  const std::string& bytes = log_.at(std::max<Offset>(1, last - world_.random.between(0, 20)));
  const auto record = wire::decode_record(bytes);
  const auto* group = record ? std::get_if<wire::Group>(&*record) : nullptr;
  if (group == nullptr || world_.random.chance(0.3)) return log_.produce(bytes);
  wire::GroupWriter writer;
  // A place behind the next one may be the next one when this arrives, under the newest term: then it would
  // count, as it should. So the hole is wider than anything in flight.
  if (world_.random.chance(0.5))
    writer.begin(group->head.term, checker_.place() + 100'000);
  else
    writer.begin(group->head.term == checker_.term() ? group->head.term ^ 2 : group->head.term,
                 checker_.place() + 1);
  const auto events = wire::decode_events(*group);
  for (const CountedEvent& counted : *events) writer.add(counted.event);
  log_.produce(std::string(writer.finish()));
}

void WholeSale::calm_down() {
  world_.calm = true;
  world_.faults = Faults{};
  world_.faults.snapshot = 0;
  records_.go_away(Instant{});
  redis_.go_away(Instant{});
  for (const auto& instance : instances_) {
    instance->slow_down(Millis(0));
    instance->cut_off(world_.now());
  }
}

// ---- The run ----

SaleResult WholeSale::run(std::uint64_t steps) {
  for (const auto& instance : instances_) instance->start();
  list_products();
  seller_acts();
  const std::int64_t buyers = world_.random.between(3, 9);
  for (std::int64_t user = 1; user <= buyers; ++user) buyer_acts(UserId{user});
  resolve_payments();
  nemesis_acts();
  while (world_.scheduler.steps() < steps && world_.violation.empty() && world_.scheduler.step()) {
  }
  calm_down();
  const Instant end = world_.now() + Millis(9'000);
  while (world_.now() < end && world_.violation.empty() && world_.scheduler.step()) {
  }
  if (world_.violation.empty()) check_end();
  result_.violation = world_.violation;
  result_.trace = world_.scheduler.trace_hash();
  result_.steps = world_.scheduler.steps();
  result_.events = static_cast<std::uint64_t>(checker_.place());
  result_.orders = checker_.audit().orders().size();
  result_.opens = checker_.counted_opens();
  result_.ghosts = checker_.ghosts();
  result_.refused_copies = checker_.refused_events();
  result_.undone = shared_.undone;
  result_.torn = log_.torn();
  result_.snapshots = shared_.snapshots;
  result_.starts_from_snapshot = shared_.starts_from_snapshot;
  result_.look_ups = shared_.look_ups;
  result_.shown_ahead = shared_.shown_ahead;
  result_.redis_losses = redis_.losses();
  return result_;
}

void WholeSale::check_end() {
  int writers = 0;
  for (const auto& instance : instances_) {
    writers += instance->writes();
    if (const std::string left = instance->left_over(checker_.place()); !left.empty())
      return world_.violated(fmt::format("at the end, instance {} {}", instance->number(), left));
  }
  if (writers != 1) return world_.violated(fmt::format("{} instances write at the end", writers));
  for (const AskPtr& ask : asks_)
    if (!ask->done) return world_.violated("a command is not answered at the end");
  checker_.finish(records_, redis_, provider_);
}

SaleResult run_sale(std::uint64_t seed, Bug bug, std::uint64_t steps) {
  WholeSale sale(seed, bug);
  return sale.run(steps);
}

}  // namespace market::sim
