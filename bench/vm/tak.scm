; deep calls with three arguments, the last one a tail call
(define (tak x y z)
  (if (< y x)
      (tak (tak (- x 1) y z) (tak (- y 1) z x) (tak (- z 1) x y))
      z))
(display (let loop ((i 0) (sum 0))
           (if (= i 160) sum (loop (+ i 1) (+ sum (tak 20 14 (- 7 (if (< i 80) 0 1))))))))
(newline)
