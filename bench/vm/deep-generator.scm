; thirty thousand generators, each yielding five hundred times from two hundred calls down
(define tag (make-prompt-tag))
(define (yield-from depth first count)
  (if (= depth 0)
      (let loop ((i 0))
        (when (< i count)
          (abort-to-prompt tag (+ first i))
          (loop (+ i 1))))
      (begin
        (yield-from (- depth 1) first count)
        #f)))
(define (consume first)
  (let next ((total 0) (thunk (lambda () (yield-from 200 first 500))))
    (let ((step (call-with-prompt tag
                  (lambda () (thunk) #f)
                  (lambda (k value) (cons k value)))))
      (if step
          (next (+ total (cdr step)) (car step))
          total))))
(display (let loop ((i 0) (sum 0))
           (if (= i 30000) sum (loop (+ i 1) (+ sum (consume i))))))
(newline)
