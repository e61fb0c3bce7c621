#pragma once
/// Sessions with a database, lent to one thread at a time.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

namespace market::sql {

/// A few things that only one thread may use at a time, such as reading sessions with their statements.
template <class T>
class Shared {
 public:
  void add(std::unique_ptr<T> one) { free_.push_back(std::move(one)); }

  class Lease {
   public:
    Lease(Shared& owner, std::unique_ptr<T> one) : owner_(owner), one_(std::move(one)) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
      {
        const std::lock_guard lock(owner_.mutex_);
        owner_.free_.push_back(std::move(one_));
      }
      owner_.returned_.notify_one();
    }
    T& operator*() { return *one_; }
    T* operator->() { return one_.get(); }

   private:
    Shared& owner_;
    std::unique_ptr<T> one_;
  };

  /// Waits until one is free: the pool that calls this has a bounded queue of its own.
  Lease take() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return !free_.empty(); });
    auto one = std::move(free_.back());
    free_.pop_back();
    return Lease(*this, std::move(one));
  }

 private:
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<T>> free_;
};

}  // namespace market::sql
