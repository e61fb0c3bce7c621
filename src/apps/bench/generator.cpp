#include "apps/bench/generator.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <thread>

#include "apps/bench/worker.hpp"

namespace market::apps::load {

void Tally::count(int status, std::string_view code, std::uint64_t by) {
  for (Outcome& outcome : outcomes) {
    if (outcome.status != status || outcome.code != code) continue;
    outcome.count += by;
    return;
  }
  outcomes.push_back({status, std::string(code), by});
}

void Tally::add(const Tally& other) {
  successes.add(other.successes);
  refusals.add(other.refusals);
  for (const Outcome& outcome : other.outcomes) count(outcome.status, outcome.code, outcome.count);
  sent += other.sent;
  connect_failures += other.connect_failures;
  connections_lost += other.connections_lost;
  broken_answers += other.broken_answers;
  unanswered += other.unanswered;
  unsent += other.unsent;
  elapsed = std::max(elapsed, other.elapsed);
}

Tally generate(const Target& target, const LoadPlan& plan, const Requests& requests) {
  Run run{target, plan, requests, {}, {}};
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < plan.threads; ++i) {
    const int share = plan.connections / plan.threads + (i < plan.connections % plan.threads ? 1 : 0);
    workers.push_back(std::make_unique<Worker>(run, i, share));
    workers.back()->connect();
  }
  run.start = Run::Clock::now();
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < workers.size(); ++i)
    threads.emplace_back([&worker = *workers[i]] { worker.work(); });
  workers[0]->work();
  for (auto& thread : threads) thread.join();
  Tally sum;
  for (const auto& worker : workers) sum.add(worker->tally());
  return sum;
}

}  // namespace market::apps::load
