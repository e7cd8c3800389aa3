; closures over a list of a million numbers, eight times
(use-modules (srfi srfi-1))
(define items (iota 1000000 1))
(define (round-of offset)
  (fold (lambda (x sum) (+ sum x)) 0
        (filter (lambda (x) (= 0 (modulo x 3)))
                (map (lambda (x) (+ (* x 2) offset)) items))))
(display (let loop ((i 0) (sum 0))
           (if (= i 8) sum (loop (+ i 1) (+ sum (round-of i))))))
(newline)
