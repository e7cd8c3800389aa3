; a handler entered seven million times, left by throw from five calls down every second time
(define (down depth i)
  (if (= depth 0)
      (if (= 0 (modulo i 2)) (throw 'odd i) i)
      (+ 0 (down (- depth 1) i))))
(define (attempt i)
  (catch 'odd
    (lambda () (down 5 i))
    (lambda (key e) (+ e 1))))
(display (let loop ((i 0) (sum 0))
           (if (= i 7000000) sum (loop (+ i 1) (+ sum (attempt i))))))
(newline)
